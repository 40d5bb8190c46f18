"""What a run does when something goes wrong: the section ``failures`` of a config."""

from __future__ import annotations

from dataclasses import dataclass

from mmcv.registry import ConfigError, did_you_mean

# Exit codes of a training program; others than these and 0 mean that it failed with a message.
INTERRUPTED = 85  # A signal asked it to end, and it saved its state: start it again to continue.
HUNG = 86  # A rank made no progress for ``hang_timeout`` seconds.

# Of training programs; a runner that other code builds watches nothing unless it is told to.
DEFAULT_HANG_TIMEOUT = 1800.0

POLICIES = ("stop", "skip", "watch")


@dataclass(frozen=True)
class Failures:
    """How a run treats failures.

    Attributes:
        non_finite: what happens when the gradients of a step are not finite. "stop": the step is
            left out, the state before it saved, and the run ends; "skip": the step is left out;
            "watch": nothing is looked at in time: a loss that is not finite ends the run at the
            next line of the log, or before the next checkpoint. Only "watch" never waits for the
            device within an iteration.
        max_skips: with "skip", so many steps in a row may be left out; one more ends the run.
        hang_timeout: seconds without progress after which a run counts as hung and is ended with
            exit code 86; None: never.
    """

    non_finite: str = "stop"
    max_skips: int = 10
    hang_timeout: float | None = None

    def __post_init__(self) -> None:
        """Checks the policy."""
        if self.non_finite not in POLICIES:
            hint = did_you_mean(str(self.non_finite), POLICIES)
            raise ConfigError(
                f"failures.non_finite={self.non_finite!r} is not a policy{hint}"
                f" (possible: {', '.join(POLICIES)})"
            )
