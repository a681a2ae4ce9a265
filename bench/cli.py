"""How long a person waits for `pprnet-feeds --help`, beside Python importing click and nothing else.

./run bench cli               writes the section "Command line" of bench/RESULTS.md
"""

from __future__ import annotations

import sys

import results

from processes import cost

COMMANDS = {
    "`pprnet-feeds --help`": ["-m", "pprnet_feeds", "--help"],
    '`python -c "import click"`': ["-c", "import click"],
    '`python -c ""`': ["-c", ""],
}


def main() -> None:
    options = results.arguments(rounds=21, quick=5)
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for _ in range(options.rounds):
        for name, arguments in COMMANDS.items():
            runs[name].append(cost([sys.executable, *arguments])[:2])
    rows = [
        [name, *(results.spread([1000 * run[what] for run in found], "{:.0f}") for what in (0, 1))]
        for name, found in runs.items()
    ]
    help_, click, _ = (results.median([cpu for _, cpu in found]) for found in runs.values())
    text = f"Medians of {options.rounds} runs.\n\n" + results.markdown(
        ["command", "wall, ms", "CPU, ms"], rows
    )
    results.write(options, "Command line", text, {"help": help_ / click})


if __name__ == "__main__":
    main()
