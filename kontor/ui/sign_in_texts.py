"""Texts of the console's pages about signing in."""

from typing import Final

CHANGE_REQUIRED: Final = "Choose your own password first."
SECURITY_TITLE: Final = "Your sign-in"
TOTP_TITLE: Final = "Add an authenticator app"
SECOND_TITLE: Final = "One more step"
WRONG_FACTOR: Final = "That is not right, or was used before. Try again."
FACTOR_ADDED: Final = "Added. From now on, signing in asks for it."
NO_FACTOR: Final = "Add an authenticator app or a passkey first."
UNKNOWN_DEVICE: Final = "Unknown device"
PROOF_TITLE: Final = "Confirm that it is you"
WRONG_PROOF: Final = "That is not right. Nothing has been changed."
WRONG_LOGIN: Final = "Wrong e-mail or password."
PROVIDER_REFUSED: Final = "The provider did not sign you in."
FORM_EXPIRED: Final = "This form has expired. Begin again."
LOGIN_EXPIRED: Final = "This form has expired. Please sign in again."
