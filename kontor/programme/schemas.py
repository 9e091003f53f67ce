"""Applied programmes on the wire."""

from typing import Self

from kontor.http.wire import ResponseModel, UtcOut
from models.programmes import ProgrammeRow


class ProgrammeOut(ResponseModel):
    """An applied programme; `document` is its file with all defaults filled in."""

    code: str
    version: int
    applied_at: UtcOut
    applied_by: str
    document: dict[str, object]

    @classmethod
    def of(cls, row: ProgrammeRow) -> Self:
        """Build the response for an applied programme."""
        return cls(
            code=row.code,
            version=row.version,
            applied_at=row.applied_at,
            applied_by=row.applied_by,
            document=row.document,
        )
