"""What a plan ``requires`` of its inputs, held against them."""

from __future__ import annotations

from brainsurgery_shell.errors import PlanError
from brainsurgery_shell.session.fingerprint import mismatch
from brainsurgery_shell.session.plan import Plan, Requirement
from brainsurgery_shell.session.session import Session
from brainsurgery_shell.storage.read import Opened


def require(
    session: Session, plan: Plan, alias: str, wanted: Requirement, found: tuple[str, Opened] | None
) -> None:
    """Check the input ``alias`` of ``plan``: ``found`` is its path as typed, and what was opened.

    Raises:
        PlanError: there is none, or it is another than the plan was made on, and that is not to be ignored.
    """
    if found is None:
        raise PlanError(
            f"requires names '{alias}', and no input has that alias",
            hint=f"inputs: {', '.join(each.alias for each in plan.inputs)}" if plan.inputs else None,
            span=wanted.span,
        ).located(source=plan.source)
    what = mismatch(alias, found[0], wanted.fingerprint, found[1], session.evaluator)
    if what is None:
        return
    if session.settings.ignore_fingerprints:
        session.warn(what)
        return
    raise PlanError(what, hint="--ignore-fingerprints runs it all the same", span=wanted.span).located(
        source=plan.source
    )
