"""CPU seconds of `import lookalike` and `lookalike --help`, best of ten fresh interpreters."""

import resource
import subprocess
import sys

HELP = "import sys; sys.argv = ['lookalike', '--help']\nfrom lookalike.cli import main\nmain()"

for name, code in (("python", "pass"), ("import lookalike", "import lookalike"), ("lookalike --help", HELP)):
    best = float("inf")
    for _ in range(10):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)  # our own code
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    print(f"{name:20} {best:.3f} CPU s")
