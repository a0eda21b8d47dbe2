"""Run every benchmark that needs no peer, one after the other, each in a process of its own.

make bench
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = ("startup.py", "samplers.py", "text_augmentation.py", "evaluation.py", "synthesizers.py", "tabular.py")


def main() -> None:
    for name in SCRIPTS:
        print(f"\n== {name}", flush=True)
        done = subprocess.run([sys.executable, str(HERE / name)], check=False)
        if done.returncode:
            print(f"{name}: exit {done.returncode}")


if __name__ == "__main__":
    main()
