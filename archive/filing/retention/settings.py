"""Who the legal representative is, and how long a destruction cools: particulars of the company.

Set by the administrator, read by the destruction lists; defaults and limits are in policy.toml.
"""

from dataclasses import dataclass

from archive.core.errors import Invalid
from archive.core.profile import ProfileEntry
from archive.filing.retention.rules import LARGEST_ID, load_policy
from archive.people import service as people
from archive.people.rights import Actor, can, require
from storage.work import UnitOfWork

_WHO, _MONTHS = "legal_representative", "cooling_months"


@dataclass(frozen=True)
class Settings:
    """The legal representative (a person here), and the cooling period in months with its basis."""

    representative_id: int | None
    representative_name: str
    cooling_months: int
    cooling_basis: str


def load_settings(uow: UnitOfWork) -> Settings:
    """Return what is set; rights are the caller's."""
    policy = load_policy()
    who, months = uow.session.get(ProfileEntry, _WHO), uow.session.get(ProfileEntry, _MONTHS)
    person = people.find_actor(uow, int(who.value)) if who else None
    return Settings(
        representative_id=person.id if person else None,
        representative_name=person.name if person else "",
        cooling_months=int(months.value) if months else policy.cooling_months,
        cooling_basis="安全管理员按本单位制度设定" if months else policy.cooling_basis,
    )


def save_settings(
    uow: UnitOfWork, actor: Actor, representative_id: int, cooling_months: int
) -> Settings:
    """Say who the legal representative is and how many months to wait; raise Invalid."""
    require(actor, "retention.settings")
    policy, wrong = load_policy(), {}
    person = (
        people.find_actor(uow, representative_id) if 0 < representative_id <= LARGEST_ID else None
    )
    if person is None or not can(person, "retention.sign"):
        wrong["representative_id"] = "请选一位在职人员作为法定代表人"
    if not policy.cooling_minimum <= cooling_months <= policy.cooling_maximum:
        wrong["cooling_months"] = (
            f"冷静期应在 {policy.cooling_minimum} 到 {policy.cooling_maximum} 个月之间"
        )
    if wrong:
        raise Invalid("；".join(wrong.values()) + "。", wrong)
    for key, value in ((_WHO, representative_id), (_MONTHS, cooling_months)):
        uow.session.merge(ProfileEntry(key=key, value=str(value)))
    uow.session.flush()
    told = {"representative": representative_id, "months": cooling_months}
    uow.journal(actor.id, "retention.settings", "profile", "retention", told)
    return load_settings(uow)
