"""Texts of the portal's pages, translated."""

from typing import Final

from kontor.kernel.states import OfferState

N: Final = str
"""Marks a text for the message catalogues."""

OFFER: Final = N("An offer from %(brand)s")
STATES: Final[dict[OfferState, str | None]] = {
    OfferState.WAITING: N("This offer is still on its way. Please come back in a few minutes."),
    OfferState.WAITING_FOR_CONFIRMATION: None,
    OfferState.ACCEPTED: N("You have accepted this offer."),
    OfferState.REJECTED: N("You have rejected this offer."),
    OfferState.CANCELLED: N("This offer was withdrawn."),
}
GONE: Final[dict[str, str]] = {
    "withdrawn": N("This offer was withdrawn."),
    "expired": N("This offer has expired."),
    "account_closed": N("This offer was withdrawn because the account was closed."),
    "address_changed": N("This link is no longer valid because the account’s address has changed."),
}
DECIDED_BEFORE: Final[dict[OfferState, str]] = {
    OfferState.WAITING: N("This offer is still on its way. Please come back in a few minutes."),
    OfferState.ACCEPTED: N("This offer has already been accepted; nothing was changed."),
    OfferState.REJECTED: N("This offer has already been rejected; nothing was changed."),
    OfferState.CANCELLED: N("This offer was withdrawn before you decided; nothing was changed."),
}
CHOOSE: Final = N("Please press one of the two buttons.")
UNKNOWN: Final = N("This link is not valid")
UNKNOWN_HINT: Final = N("Please check that the link is complete, or ask the sender.")
BUSY: Final = N("Please try again in a moment")

ACTIVATE: Final = N("Activate the account “%(account)s”")
ACTIVE: Final = N("The account is active. You can close this page.")
ACTIVE_BEFORE: Final = N("The account was already active; nothing was changed.")
ACTIVATION_GONE: Final[dict[str, str]] = {
    "expired": N("This link has expired. Please request a new one."),
    "address_changed": N("This link is no longer valid because the account’s address has changed."),
    "account_deleted": N("The account has been deleted."),
}
PASSWORD: Final = N("A password must have 8 to 200 characters.")

UNSUBSCRIBE: Final = N("Unsubscribe")
UNSUBSCRIBED: Final = N("You will no longer receive this kind of reminder.")
