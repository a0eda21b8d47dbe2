"""The command line: one command a file, each loaded when it is called."""

from __future__ import annotations

import sys


def main() -> None:
    """Run a command; one clear error and its documented exit code when something is wrong."""
    from lookalike.cli.app import app
    from lookalike.errors import LookalikeError

    try:
        app(standalone_mode=True)
    except LookalikeError as exc:
        from lookalike.cli.output import show_error

        show_error(exc)
        sys.exit(exc.exit_code)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)  # noqa: T201  # the last word of an interrupted command
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception:  # noqa: BLE001  # the last resort: a bug of ours, with its own exit code
        import traceback

        traceback.print_exc()
        print("internal error: please report it with the lines above", file=sys.stderr)  # noqa: T201
        sys.exit(6)
