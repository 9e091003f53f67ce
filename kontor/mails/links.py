"""The links of a mail: whole where the mail catcher has it, else as the log keeps them."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Final
from uuid import UUID

from kontor.mails.service import LoggedMail

LINK: Final = re.compile(r"https?://[^\s<>]+")


@dataclass(frozen=True, slots=True)
class MailLinks:
    """The links of a mail, in their order in its text. `caught`: they are whole; else their tokens are masked."""

    id: UUID
    template: str
    to: str
    subject: str | None
    caught: bool
    links: Sequence[str]


def links_of(message: bytes) -> Sequence[str]:
    """Return the addresses in a message's text part, each once."""
    text = BytesParser(policy=policy.default).parsebytes(message).get_body(("plain",))
    return list(dict.fromkeys(LINK.findall(text.get_content()))) if text is not None else []


def caught(folder: Path, message_ids: Collection[str]) -> Mapping[str, Path]:
    """Return the files of caught mails by Message-ID; those that the folder lacks are left out."""
    missing, files = set(message_ids), dict[str, Path]()
    for path in sorted(folder.glob("*.eml"), reverse=True):
        if not missing:
            break
        with path.open("rb") as file:
            message_id = BytesParser(policy=policy.default).parse(file, headersonly=True)["Message-ID"]
        if message_id in missing:
            missing.remove(message_id)
            files[message_id] = path
    return files


def mail_links(mails: Sequence[LoggedMail], folder: Path) -> Sequence[MailLinks]:
    """Return the links of logged mails, with whole tokens of those that a folder of caught mails holds.

    A mail that was not sent has none, nor has one whose body has left the log.
    """
    files = caught(folder, [logged.mail.message_id for logged in mails if logged.mail.message_id])
    return [of(logged, files.get(logged.mail.message_id or "")) for logged in mails]


def of(logged: LoggedMail, file: Path | None) -> MailLinks:
    """Return the links of a mail from its file, or from the log."""
    mail = logged.mail
    message = (mail.raw or "").encode() if file is None else file.read_bytes()
    return MailLinks(
        id=mail.id,
        template=mail.template,
        to=logged.recipients[0].address if logged.recipients else "",
        subject=mail.subject,
        caught=file is not None,
        links=links_of(message),
    )
