"""Every bench after the other, each in a process of its own; what fails does not end the rest.

./run bench                   about a quarter of an hour; leave the machine alone meanwhile
./run bench all --quick       a look in a few minutes; nothing is written
./run bench flat              memory over half an hour, by itself
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import rivals

BENCHES = ("cli", "size", "serve", "front", "poll", "fleet", "first", "edit", "rebuild", "draw", "start")


def main() -> None:
    rivals.install()
    failed = []
    for name in BENCHES:
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, Path(__file__).with_name(f"{name}.py"), *sys.argv[1:]], check=False
        )
        print(f"bench: {name} took {time.monotonic() - begun:.0f} s", file=sys.stderr)
        if done.returncode:
            failed.append(name)
    if failed:
        sys.exit(f"bench: these failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
