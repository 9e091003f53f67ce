"""Words about a client: each line of its history by its key, and its connected system by its state."""

from collections.abc import Mapping
from typing import Final

from kontor.accounts.instances import InstanceState
from kontor.ui.pages import N

CLIENT_LINES: Final[Mapping[str, str]] = {
    "account.created": N("Account created"),
    "account.activated": N("Account activated"),
    "account.updated": N("Account data changed"),
    "account.connected": N("Added as your client"),
    "account.disconnected": N("No longer your client"),
    "account.suspended": N("Account suspended"),
    "account.resumed": N("Suspension lifted"),
    "account.deleted": N("Account deleted"),
    "account.restored": N("Account restored"),
    "brand.changed": N("Brand changed"),
    "domain.verified": N("Domain verified"),
    "domain.lost": N("Domain no longer verified"),
    "trial.started": N("Free trial started"),
    "trial.ended.converted": N("Free trial ended by a paid plan"),
    "trial.ended.expired": N("Free trial ended"),
    "subscription.changed": N("Plan changed"),
    "usage.threshold.warning": N("Usage close to the limit"),
    "usage.threshold.reached": N("Usage at the limit"),
    "usage.threshold.exceeded": N("Usage over the limit"),
    "offer": N("Offer sent"),
    "offer.delivered": N("Offer delivered"),
    "offer.withdrawn": N("Offer taken back from the connected system"),
    "offer.accepted": N("Offer accepted"),
    "offer.rejected": N("Offer rejected"),
    "offer.cancelled.withdrawn": N("Offer withdrawn"),
    "offer.cancelled.expired": N("Offer expired"),
    "offer.cancelled.account_closed": N("Offer withdrawn: account closed"),
    "offer.cancelled.account_moved": N("Offer withdrawn: no longer your client"),
    "licences.granted.accepted": N("New licences in the connected system"),
    "licences.granted.ended": N("Licences ended"),
    "licences.ending": N("Licences end soon"),
    "charge.created.plan": N("Plan charged"),
    "charge.created.product": N("Product charged"),
    "charge.created.credit": N("Credit for unused days"),
    "charge.voided": N("Charge cancelled"),
    "service.active": N("Service ready"),
    "service.failed": N("Service could not be made"),
    "service.suspended": N("Service suspended"),
    "service.resumed": N("Service works again"),
    "service.changed": N("Service changed"),
    "service.renewed": N("Service renewed"),
    "service.ended": N("Service ended"),
    "mail": N("Email to the client"),
    "visit": N("Your team in the client’s account"),
}
INSTANCE_STATES: Final[Mapping[InstanceState, str]] = {
    InstanceState.NONE: N("not connected"),
    InstanceState.OK: N("works"),
    InstanceState.DOWN: N("does not answer"),
    InstanceState.HELD: N("on hold"),
}
REACHED: Final[Mapping[InstanceState, str]] = {
    InstanceState.NONE: N("This client has no system connected yet, so an offer cannot reach it."),
    InstanceState.OK: N("This client’s system is connected."),
    InstanceState.DOWN: N("This client’s system does not answer at the moment. The offer waits until it does."),
    InstanceState.HELD: N("Deliveries to this client’s system are on hold on our side. The offer waits meanwhile."),
}
"""Whether an offer reaches a client, before it is sent."""
