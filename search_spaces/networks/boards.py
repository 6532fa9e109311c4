"""Microcontroller boards: memory and clock from the manufacturers' datasheets, and the caps that follow."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

Core: TypeAlias = Literal["Cortex-M0+", "Cortex-M4F", "Cortex-M7", "Cortex-M33", "Xtensa LX7", "RISC-V RV32EC"]

KIB = 1024
USER_SHARE = 0.25
"""The fraction of RAM and of flash that is left to the user's program: stack, camera or sensor buffers, its code."""
RUNTIME_CODE_BYTES = 64 * KIB
"""Flash set aside for the code of TFLM's interpreter and its kernels: an assumption, not a measurement."""


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board or a chip.

    Its caps are what remains of its memory beside the user's program and, in flash, beside TFLM's code.
    """

    name: str
    """The name for `--board`."""
    title: str
    core: Core
    clock_mhz: int
    """The highest that the datasheet names."""
    ram: int
    """Bytes of the largest block of SRAM that one buffer can use."""
    flash: int
    """Bytes."""
    source: str
    """The manufacturer's document."""

    @property
    def max_ram(self) -> int:
        """Return the cap of the arena in bytes."""
        return round((1 - USER_SHARE) * self.ram)

    @property
    def max_flash(self) -> int:
        """Return the cap of the int8 file in bytes; 0 where TFLM's code leaves nothing."""
        return max(0, round((1 - USER_SHARE) * self.flash) - RUNTIME_CODE_BYTES)


_BOARDS = (
    Board(
        name="rp2040",
        title="RP2040 (Raspberry Pi Pico)",
        core="Cortex-M0+",
        clock_mhz=133,
        ram=264 * KIB,
        flash=2048 * KIB,
        source="Raspberry Pi: RP2040 Datasheet; Pico Datasheet (flash, on the board)",
    ),
    Board(
        name="rp2350",
        title="RP2350 (Raspberry Pi Pico 2)",
        core="Cortex-M33",
        clock_mhz=150,
        ram=520 * KIB,
        flash=4096 * KIB,
        source="Raspberry Pi: RP2350 Datasheet; Pico 2 Datasheet (flash, on the board)",
    ),
    Board(
        name="stm32f411re",
        title="STM32F411RE (STM32F4)",
        core="Cortex-M4F",
        clock_mhz=100,
        ram=128 * KIB,
        flash=512 * KIB,
        source="STMicroelectronics: STM32F411xC/xE datasheet (DS10314)",
    ),
    Board(
        name="stm32l476rg",
        title="STM32L476RG (STM32L4)",
        core="Cortex-M4F",
        clock_mhz=80,
        ram=96 * KIB,
        flash=1024 * KIB,
        source="STMicroelectronics: STM32L476xx datasheet (DS10198); SRAM1, the larger of two blocks",
    ),
    Board(
        name="stm32h743zi",
        title="STM32H743ZI (STM32H7)",
        core="Cortex-M7",
        clock_mhz=480,
        ram=512 * KIB,
        flash=2048 * KIB,
        source="STMicroelectronics: STM32H743xI datasheet (DS12110); AXI SRAM, the largest of several blocks",
    ),
    Board(
        name="esp32-s3",
        title="ESP32-S3 (ESP32-S3-WROOM-1-N8)",
        core="Xtensa LX7",
        clock_mhz=240,
        # 0x53700 bytes for data and code in RAM: the caches take 32 to 96 of 512 KiB, and the startup code takes some.
        ram=341_760,
        flash=8192 * KIB,
        source=(
            "Espressif: ESP-IDF, esp_system/ld/esp32s3/memory.ld.in (static data in internal SRAM, shared with code in RAM); "
            "ESP32-S3-WROOM-1 Datasheet (flash, in the module)"
        ),
    ),
    Board(
        name="nrf52840",
        title="nRF52840",
        core="Cortex-M4F",
        clock_mhz=64,
        ram=256 * KIB,
        flash=1024 * KIB,
        source="Nordic Semiconductor: nRF52840 Product Specification",
    ),
    Board(
        name="nano33-ble-sense",
        title="Arduino Nano 33 BLE Sense (nRF52840)",
        core="Cortex-M4F",
        clock_mhz=64,
        ram=256 * KIB,
        flash=1024 * KIB,
        source="Arduino: Nano 33 BLE Sense datasheet; Nordic Semiconductor: nRF52840 Product Specification",
    ),
    Board(
        name="ch32v003",
        title="CH32V003",
        core="RISC-V RV32EC",
        clock_mhz=48,
        ram=2 * KIB,
        flash=16 * KIB,
        source="WCH: CH32V003 Datasheet",
    ),
)

BOARDS: Mapping[str, Board] = MappingProxyType({board.name: board for board in _BOARDS})


def find_board(name: str) -> Board:
    """Return a board.

    Raises:
        ValueError: where the name is unknown.
    """
    if name in BOARDS:
        return BOARDS[name]
    nearest = difflib.get_close_matches(name.lower(), BOARDS, n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    raise ValueError(f"Unknown board. Expected one of {', '.join(BOARDS)}. Received: {name!r}.{hint}")
