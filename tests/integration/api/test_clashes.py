import pytest
from sqlalchemy import text

from tests.support.api import Api, ResellerAccounts

CLASH = """
CREATE SEQUENCE clashes;
CREATE FUNCTION clash() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('clashes') <= {times} THEN
        RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER clash BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION clash()
"""


@pytest.mark.parametrize(("times", "status"), [(1, 201), (2, 201), (3, 409)])
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "once"}], ids=["plain", "idempotent"])
def test_request_is_run_again_after_a_deadlock(
    api: Api, make_accounts: ResellerAccounts, times: int, status: int, headers: dict[str, str]
) -> None:
    with api.deps.sessions() as session:
        session.connection().exec_driver_sql(CLASH.format(times=times))
        session.commit()
    new = {"programme": "learning", "name": "Once", "admin_email": "a@once.example"}
    assert api.call("POST /v1/accounts", new, headers=headers).status_code == status
    with api.deps.sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM accounts WHERE name = 'Once'")) == (status == 201)
