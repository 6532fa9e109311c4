// Next steps: commands with the run's folder instead of RUN, each with a button that copies it.
all(".next .run-folder").forEach((folder) => {
  const step = folder.closest("div");
  const code = step.querySelector("code");
  folder.textContent = shellWord(runFolder());
  step.querySelector("dd").append(" ", ...copyControls(() => code.textContent, step.querySelector("dt").textContent));
});
all(".next-hint").forEach((hint) => { hint.hidden = runFolder() !== "RUN"; });
