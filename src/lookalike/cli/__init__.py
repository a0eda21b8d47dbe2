"""The command line: one command a file, each loaded when it is called."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence


def main(words: Sequence[str] | None = None) -> None:
    """Run a command, the process's own or these words; one clear error and its documented exit code when something is wrong."""
    gc.set_threshold(200_000, 20, 50)  # what is loaded stays: walking it again and again is a tenth of a start
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")  # numpy's threads sleep at once, not after 40 ms of spinning each
    from lookalike.cli.app import app
    from lookalike.errors import LookalikeError

    code = 0
    try:
        app(words, standalone_mode=True)
    except SystemExit:
        if "duckdb" not in sys.modules:  # DuckDB would report what is not collected as a leak of its own
            gc.freeze()  # the process ends: to look for garbage in all that was loaded, as Python then does, takes a sixth of a second
        raise
    except LookalikeError as exc:
        from lookalike.cli.output import show_error

        show_error(exc)
        code = exc.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)  # noqa: T201  # the last word of an interrupted command
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
    except Exception:  # noqa: BLE001  # the last resort: a bug of ours, with its own exit code
        import traceback

        traceback.print_exc()
        print("internal error: please report it with the lines above", file=sys.stderr)  # noqa: T201
        code = 6
    sys.exit(code)  # when the error is gone, and collected: what it holds of DuckDB would be reported as a leak at the end
