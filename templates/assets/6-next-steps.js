// What to do next: the run's folder in the place of RUN, and a button that copies each command.
all(".next .run-folder").forEach((folder) => {
  const step = folder.closest("div");
  const code = step.querySelector("code");
  folder.textContent = shellWord(runFolder());
  step.querySelector("dd").append(" ", ...copyControls(() => code.textContent, step.querySelector("dt").textContent));
});
all(".next-hint").forEach((hint) => { hint.hidden = runFolder() !== "RUN"; });
