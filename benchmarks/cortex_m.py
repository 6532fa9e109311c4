"""A C program on a Cortex-M that QEMU emulates: its classes, bytes, stack and instructions. Needs GCC for Arm and QEMU.

The firmware has nothing but a vector table, the program, a few images and a main that writes over semihosting. QEMU counts
an instruction as a nanosecond (`-icount shift=0`), and the SysTick timer of the board ticks every 40: so it counts
instructions, not cycles.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

COMPILER, SIZE, EMULATOR = "arm-none-eabi-gcc", "arm-none-eabi-size", "qemu-system-arm"
_INSTRUCTIONS_A_TICK = 40
_LIMIT_S = 600
_LINKER = """
MEMORY { FLASH (rx) : ORIGIN = 0x00000000, LENGTH = 1M
         RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 1M }
_stack_top = ORIGIN(RAM) + LENGTH(RAM);
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } > FLASH
  .data : { *(.data*) } > RAM
  .bss (NOLOAD) : { _bss = .; *(.bss*) *(COMMON) _bss_end = .; } > RAM
  /DISCARD/ : { *(.ARM.exidx*) *(.comment) }
}
"""
_MAIN = """
#include "model.h"
#include "images.h"

extern uint32_t _stack_top, _bss, _bss_end;
void reset(void);
__attribute__((section(".vectors"), used)) static void *const VECTORS[2] = {&_stack_top, (void *)reset};

/* The debugger's calls: 4 writes a string, 24 ends the program. */
static void semihost(uint32_t call, const void *argument) {
  register uint32_t r0 __asm__("r0") = call;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

static void print(uint32_t number, char end) {
  char text[12];
  int at = 10;
  text[11] = 0;
  text[at] = end;
  do text[--at] = (char)('0' + number % 10);
  while (number /= 10);
  semihost(4, text + at);
}

#define PAINT 0xa5
#define PAINTED 8192

void reset(void) {
  volatile uint32_t *const control = (volatile uint32_t *)0xE000E010;
  for (uint32_t *word = &_bss; word < &_bss_end; word++) *word = 0;
  for (int n = 0; n < IMAGES; n++) {
    volatile uint8_t *const stack = (volatile uint8_t *)__builtin_frame_address(0) - 64;
    int8_t scores[MNIST_TUNE_CLASSES];
    uint32_t used = PAINTED;
    for (uint32_t byte = 0; byte < PAINTED; byte++) *(stack - byte) = PAINT;
    control[1] = 0xffffff; /* reload value */
    control[2] = 0;        /* current value */
    control[0] = 5;        /* the processor's clock, no interrupt */
    const int best = mnist_tune_predict(PIXELS[n], scores);
    const uint32_t ticks = 0xffffff - control[2];
    while (used > 0 && *(stack - used + 1) == PAINT) used--;
    print((uint32_t)best, ' ');
    print(ticks, ' ');
    print(used, ' ');
    for (int c = 0; c < MNIST_TUNE_CLASSES; c++) print((uint32_t)(scores[c] + 128), c + 1 < MNIST_TUNE_CLASSES ? ' ' : '\\n');
  }
  semihost(24, (const void *)0x20026);
  for (;;) {
  }
}
"""


@dataclass(frozen=True)
class Emulated:
    """Results of a program on the emulated processor."""

    classes: tuple[int, ...]
    scores: NDArray[np.int8]
    """(images, classes)."""
    instructions: int
    """Instructions for one image, the median."""
    stack: int
    """Bytes written below the caller's frame, the most over all images; with those that the compiler frees."""
    text: int
    """Bytes of the program's functions and constants that a call of `mnist_tune_predict` needs, linked."""
    memory: int
    """Static bytes in RAM."""


def is_available() -> bool:
    """Return whether compiler and emulator are there."""
    return all(shutil.which(tool) for tool in (COMPILER, SIZE, EMULATOR))


def emulate(
    source: Path, images: NDArray[np.uint8], processor: str = "cortex-m4", board: str = "mps2-an386"
) -> Emulated:
    """Run a C program on images and return its results.

    Args:
        source: the folder with `model.c` and `model.h`.
        images: (n, h, w) or (n, h, w, 3).
        processor: GCC's name of the board's processor.
        board: QEMU's name of the board.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "board.ld").write_text(_LINKER)
        (folder / "main.c").write_text(_MAIN)
        rows = ",\n".join("{" + ",".join(map(str, image.ravel())) + "}" for image in images)
        pixels = f"static const uint8_t PIXELS[IMAGES][{images[0].size}] = {{\n{rows}}};"
        (folder / "images.h").write_text(f"#define IMAGES {len(images)}\n{pixels}\n")
        sizes = [_link(folder, source, processor, with_model=with_model) for with_model in (False, True)]
        answer = _run([EMULATOR, "-M", board, "-nographic", "-semihosting", "-icount", "shift=0",
                       "-kernel", str(folder / "firmware.elf")])  # fmt: skip
    rows_of_numbers = np.array([[int(word) for word in line.split()] for line in answer.splitlines()])
    (bare_text, bare_memory), (text, memory) = sizes
    return Emulated(
        tuple(rows_of_numbers[:, 0].tolist()),
        (rows_of_numbers[:, 3:] - 128).astype(np.int8),
        int(statistics.median(rows_of_numbers[:, 1].tolist())) * _INSTRUCTIONS_A_TICK,
        int(rows_of_numbers[:, 2].max()),
        text - bare_text,
        memory - bare_memory,
    )


def _link(folder: Path, source: Path, processor: str, *, with_model: bool) -> tuple[int, int]:
    """Link the firmware, with a function that does nothing in the model's place or with the model; return flash and RAM."""
    model = source / "model.c"
    if not with_model:
        model = folder / "nothing.c"
        model.write_text(
            '#include "model.h"\nint mnist_tune_predict(const uint8_t *p, int8_t *s) { return p[0] + s[0]; }\n'
        )
    flags = [
        f"-mcpu={processor}",
        "-mthumb",
        "-std=gnu99",
        "-Os",
        "-ffunction-sections",
        "-fdata-sections",
        "-I",
        str(source),
    ]
    firmware = folder / "firmware.elf"
    _run([COMPILER, *flags, "-nostartfiles", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments", "-T", str(folder / "board.ld"),
          str(folder / "main.c"), str(model), "-o", str(firmware)])  # fmt: skip
    text, data, bss = (int(word) for word in _run([SIZE, str(firmware)]).splitlines()[1].split()[:3])
    return text + data, data + bss


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LIMIT_S)
    if done.returncode != 0 and command[0] != EMULATOR:
        raise RuntimeError(f"{command[0]} failed: {done.stderr[:2000]}")
    # QEMU writes what the program prints to its standard error.
    return done.stdout or done.stderr
