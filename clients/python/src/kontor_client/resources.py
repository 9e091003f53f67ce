"""The calls of the API, by resource. Generated from docs/openapi.json by `python -m devtools.client_code`; do not edit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from kontor_client import types
from kontor_client.json_values import Json
from kontor_client.transport import Transport, path_of


class AccountBookCalls:
    """Calls about account book."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def read_account_book(self, reseller_id: str, *, from_: str | None = None, to: str | None = None, as_recorded: str | None = None) -> Iterator[types.BookLineOut]:
        """List the lines of the book by (`at`, number), each with the balance after it."""
        path = path_of("/v1/resellers/{reseller_id}/account-book", reseller_id)
        query: dict[str, Json] = {"from": from_, "to": to, "as_recorded": as_recorded}
        return self._transport.pages(path, query)


class AccountsCalls:
    """Calls about accounts."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_accounts(self, *, created_after: str | None = None, created_before: str | None = None, q: str | None = None, external_id: str | None = None, name: str | None = None, admin_email: str | None = None, plan: str | None = None, trial: types.TrialState | None = None, over_quota: bool | None = None, read_only: bool | None = None, open_offer: bool | None = None, instance: types.InstanceState | None = None, suspended: bool | None = None, programme: str | None = None, kind: types.AccountKind | None = None, reseller: str | None = None) -> Iterator[types.AccountOut]:
        """List accounts in order of creation."""
        path = path_of("/v1/accounts")
        query: dict[str, Json] = {"created_after": created_after, "created_before": created_before, "q": q, "external_id": external_id, "name": name, "admin_email": admin_email, "plan": plan, "trial": trial, "over_quota": over_quota, "read_only": read_only, "open_offer": open_offer, "instance": instance, "suspended": suspended, "programme": programme, "kind": kind, "reseller": reseller}
        return self._transport.pages(path, query)

    def create_account(self, body: types.AccountIn, *, idempotency_key: str | None = None) -> types.AccountOut:
        """Create an account on the free plan. 409 `name_taken`, `external_id_taken`."""
        path = path_of("/v1/accounts")
        answer: types.AccountOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def get_account(self, account_id: str) -> types.AccountOut:
        """Return an account."""
        path = path_of("/v1/accounts/{account_id}", account_id)
        answer: types.AccountOut = self._transport.request("GET", path)
        return answer

    def change_account(self, account_id: str, body: types.AccountPatch) -> types.AccountOut:
        """Change the given fields. 409 `name_taken`, `external_id_taken`, `account_deleted`; 429 `too_many` addresses."""
        path = path_of("/v1/accounts/{account_id}", account_id)
        answer: types.AccountOut = self._transport.request("PATCH", path, body=body)
        return answer

    def send_activation(self, account_id: str, *, idempotency_key: str | None = None) -> types.InvitedOut:
        """Resend the activation mail. 409 `already_activated`; 429 `too_many`."""
        path = path_of("/v1/accounts/{account_id}/activation", account_id)
        answer: types.InvitedOut = self._transport.request("POST", path, idempotency_key=idempotency_key)
        return answer

    def get_brand(self, account_id: str) -> types.BrandOut | types.OwnBrandOut:
        """Return the brand settings; to a key of the account itself the brand in force, for its service to show."""
        path = path_of("/v1/accounts/{account_id}/brand", account_id)
        answer: types.BrandOut | types.OwnBrandOut = self._transport.request("GET", path)
        return answer

    def put_brand(self, account_id: str, body: types.BrandIn) -> types.BrandOut:
        """Replace the brand; new domains must be verified, images fetched. 422 `name_taken`, `forbidden_address`."""
        path = path_of("/v1/accounts/{account_id}/brand", account_id)
        answer: types.BrandOut = self._transport.request("PUT", path, body=body)
        return answer

    def get_instance(self, account_id: str) -> types.InstanceOut:
        """Return the account's instance, without its secret. 404 `no_instance`."""
        path = path_of("/v1/accounts/{account_id}/instance", account_id)
        answer: types.InstanceOut = self._transport.request("GET", path)
        return answer

    def put_instance(self, account_id: str, body: types.InstanceIn) -> types.InstanceSecretOut:
        """Set the URL of the account's instance. 422 `forbidden_address`."""
        path = path_of("/v1/accounts/{account_id}/instance", account_id)
        answer: types.InstanceSecretOut = self._transport.request("PUT", path, body=body)
        return answer

    def delete_instance(self, account_id: str) -> types.InstanceOut:
        """Delete the account's instance: nothing is sent to it any more. 404 `no_instance`."""
        path = path_of("/v1/accounts/{account_id}/instance", account_id)
        answer: types.InstanceOut = self._transport.request("DELETE", path)
        return answer

    def test_instance(self, account_id: str, *, idempotency_key: str | None = None) -> types.PingOut:
        """Send a signed `ping`; an answer 2xx closes the lane's breaker. 404 `no_instance`."""
        path = path_of("/v1/accounts/{account_id}/instance/test", account_id)
        answer: types.PingOut = self._transport.request("POST", path, idempotency_key=idempotency_key)
        return answer

    def resume_account(self, account_id: str, body: types.SuspensionIn, *, idempotency_key: str | None = None) -> types.AccountOut:
        """Lift a suspension: one's own, an operator any; of a reseller also what it alone brought to its clients."""
        path = path_of("/v1/accounts/{account_id}/resume", account_id)
        answer: types.AccountOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def suspend_account(self, account_id: str, body: types.SuspensionIn, *, idempotency_key: str | None = None) -> types.AccountOut:
        """Suspend an account, a reseller with all its clients. 409 `account_deleted`."""
        path = path_of("/v1/accounts/{account_id}/suspend", account_id)
        answer: types.AccountOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def start_trial(self, account_id: str, *, idempotency_key: str | None = None) -> types.StartedTrialOut:
        """Start the account's one trial. 409 `trial_used`, `already_subscribed`, `no_trial`."""
        path = path_of("/v1/accounts/{account_id}/trial", account_id)
        answer: types.StartedTrialOut = self._transport.request("POST", path, idempotency_key=idempotency_key)
        return answer

    def report_usage(self, account_id: str, body: types.UsageReportIn, *, idempotency_key: str | None = None) -> types.ReportedUsageOut:
        """Report usage; reports may be late, repeated or out of order. 409 `account_deleted`."""
        path = path_of("/v1/accounts/{account_id}/usage", account_id)
        answer: types.ReportedUsageOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer


class ClockCalls:
    """Calls about clock."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get_clock(self) -> types.ClockOut:
        """Return the time that every process uses."""
        path = path_of("/v1/clock")
        answer: types.ClockOut = self._transport.request("GET", path)
        return answer

    def set_clock(self, body: types.ClockIn, *, idempotency_key: str | None = None) -> types.ClockOut | types.UnsettledOut:
        """Move the time that every process uses. 409 `clock_backwards`."""
        path = path_of("/v1/clock")
        answer: types.ClockOut | types.UnsettledOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer


class DiscountsCalls:
    """Calls about discounts."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_runs(self, *, programme: str | None = None, state: types.RunState | None = None, day: str | None = None) -> Iterator[types.DiscountRunOut]:
        """List runs, newest first."""
        path = path_of("/v1/discount-runs")
        query: dict[str, Json] = {"programme": programme, "state": state, "day": day}
        return self._transport.pages(path, query)

    def begin_run(self, body: types.DiscountRunIn, *, idempotency_key: str | None = None) -> types.DiscountRunPreviewOut | types.DiscountRunOut:
        """Start a run for today as jobs; a dry run returns its result. 422 `no_turnover_discount`."""
        path = path_of("/v1/discount-runs")
        answer: types.DiscountRunPreviewOut | types.DiscountRunOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def get_run(self, run_id: str) -> types.DiscountRunOut:
        """Return a run with its totals."""
        path = path_of("/v1/discount-runs/{run_id}", run_id)
        answer: types.DiscountRunOut = self._transport.request("GET", path)
        return answer

    def approve_run(self, run_id: str, body: types.ActionIn | None = None, *, idempotency_key: str | None = None) -> types.DiscountRunOut:
        """Approve a held run: it records discounts and sends mails. 409 `not_held` with the state."""
        path = path_of("/v1/discount-runs/{run_id}/approve", run_id)
        answer: types.DiscountRunOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def list_movers(self, run_id: str) -> Iterator[types.MoverOut]:
        """List resellers that change tier in a run, ordered by id."""
        path = path_of("/v1/discount-runs/{run_id}/movers", run_id)
        return self._transport.pages(path, None)

    def reject_run(self, run_id: str, body: types.ActionIn | None = None, *, idempotency_key: str | None = None) -> types.DiscountRunOut:
        """Reject a held run: it records nothing. 409 `not_held` with the state."""
        path = path_of("/v1/discount-runs/{run_id}/reject", run_id)
        answer: types.DiscountRunOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def get_discount(self, reseller_id: str, *, as_of: str | None = None, pay: str | None = None) -> types.DiscountOut:
        """Return turnover, tier and percentages of a local day, their derivation, and tomorrow's. 409 `not_a_reseller`."""
        path = path_of("/v1/resellers/{reseller_id}/discount", reseller_id)
        query: dict[str, Json] = {"as_of": as_of, "pay": pay}
        answer: types.DiscountOut = self._transport.request("GET", path, query=query)
        return answer


class DomainsCalls:
    """Calls about domains."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_domains(self, *, account: str | None = None) -> types.PageOut_DomainOut_:
        """List the domains that an account claims, of a client those of its own brand, each with its DNS record."""
        path = path_of("/v1/domains")
        query: dict[str, Json] = {"account": account}
        answer: types.PageOut_DomainOut_ = self._transport.request("GET", path, query=query)
        return answer

    def check_domain(self, domain: str, *, account: str | None = None, idempotency_key: str | None = None) -> types.DomainOut:
        """Look up a domain's TXT record for one claimant. 422 `account_required` if several claim it."""
        path = path_of("/v1/domains/{domain}/check", domain)
        query: dict[str, Json] = {"account": account}
        answer: types.DomainOut = self._transport.request("POST", path, query=query, idempotency_key=idempotency_key)
        return answer


class EventsCalls:
    """Calls about events."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_events(self, *, after: int | None = None) -> Iterator[types.EventOut]:
        """List events, oldest first; continuing from the last one skips none."""
        path = path_of("/v1/events")
        query: dict[str, Json] = {"after": after}
        return self._transport.pages(path, query)


class FeesCalls:
    """Calls about fees."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_account_charges(self, account_id: str, *, from_: str | None = None, to: str | None = None) -> Iterator[types.ChargeOut]:
        """List charges that the account pays itself; charges paid by its reseller belong to the reseller."""
        path = path_of("/v1/accounts/{account_id}/charges", account_id)
        query: dict[str, Json] = {"from": from_, "to": to}
        return self._transport.pages(path, query)

    def list_assignments(self, account_id: str) -> Iterator[types.AssignmentOut]:
        """List products assigned to the account today, ordered by product."""
        path = path_of("/v1/accounts/{account_id}/products", account_id)
        return self._transport.pages(path, None)

    def assign_product(self, account_id: str, body: types.AssignmentIn, *, idempotency_key: str | None = None) -> types.AssignmentOut:
        """Assign a product and charge its first period. Already assigned: 200, unchanged, a planned end is cancelled. 404 `unknown_product`; 409 `not_multiple`, `not_a_client`; 422 `not_recurring`."""
        path = path_of("/v1/accounts/{account_id}/products", account_id)
        answer: types.AssignmentOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def change_assignment(self, account_id: str, product: str, body: types.AssignmentPatch) -> types.AssignmentOut:
        """Set the retail fee. A fee below cost is flagged and the reseller is notified."""
        path = path_of("/v1/accounts/{account_id}/products/{product}", account_id, product)
        answer: types.AssignmentOut = self._transport.request("PATCH", path, body=body)
        return answer

    def unassign_product(self, account_id: str, product: str) -> types.AssignmentOut:
        """End the assignment with its paid period; assigning the product again before then cancels the end."""
        path = path_of("/v1/accounts/{account_id}/products/{product}", account_id, product)
        answer: types.AssignmentOut = self._transport.request("DELETE", path)
        return answer

    def get_subscription(self, account_id: str) -> types.SubscribedAccountOut:
        """Return the account with its current paid plan, if any."""
        path = path_of("/v1/accounts/{account_id}/subscription", account_id)
        answer: types.SubscribedAccountOut = self._transport.request("GET", path)
        return answer

    def put_subscription(self, account_id: str, body: types.PlanIn) -> types.SubscribedAccountOut | types.PlanQuoteOut:
        """Change plan: upgrades start a new period today, others follow at the period's end. 422 `unknown_plan`. With `dry_run` the answer is `{charge, credit, at}`, and nothing changes."""
        path = path_of("/v1/accounts/{account_id}/subscription", account_id)
        answer: types.SubscribedAccountOut | types.PlanQuoteOut = self._transport.request("PUT", path, body=body)
        return answer

    def cancel_subscription(self, account_id: str) -> types.SubscribedAccountOut:
        """End the paid plan with its paid period; no effect on the free plan."""
        path = path_of("/v1/accounts/{account_id}/subscription", account_id)
        answer: types.SubscribedAccountOut = self._transport.request("DELETE", path)
        return answer

    def get_charge(self, charge_id: str) -> types.ChargeOut:
        """Return one charge or credit, to who pays it."""
        path = path_of("/v1/charges/{charge_id}", charge_id)
        answer: types.ChargeOut = self._transport.request("GET", path)
        return answer

    def void_charge(self, charge_id: str, body: types.VoidIn, *, idempotency_key: str | None = None) -> types.ChargeOut:
        """Void a charge, with a reason. 409 `already_void`."""
        path = path_of("/v1/charges/{charge_id}/void", charge_id)
        answer: types.ChargeOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def list_reseller_charges(self, reseller_id: str, *, from_: str | None = None, to: str | None = None) -> Iterator[types.ChargeOut]:
        """List charges that the reseller pays for its clients, ordered by period start."""
        path = path_of("/v1/resellers/{reseller_id}/charges", reseller_id)
        query: dict[str, Json] = {"from": from_, "to": to}
        return self._transport.pages(path, query)

    def list_products(self, reseller_id: str) -> Iterator[types.ProductOut]:
        """List products that the reseller can sell, with fees, ordered by code."""
        path = path_of("/v1/resellers/{reseller_id}/products", reseller_id)
        return self._transport.pages(path, None)

    def change_product(self, reseller_id: str, product: str, body: types.ProductPatch) -> types.ProductOut:
        """Change name or recommended retail fee of a product that the reseller manages. 403 `managed_by_provider`."""
        path = path_of("/v1/resellers/{reseller_id}/products/{product}", reseller_id, product)
        answer: types.ProductOut = self._transport.request("PATCH", path, body=body)
        return answer


class JobsCalls:
    """Calls about jobs."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_jobs(self, *, state: Sequence[types.JobState] | None = None, task: str | None = None, queue: str | None = None, tenant: str | None = None, external_id: str | None = None, created_after: str | None = None, created_before: str | None = None) -> Iterator[types.JobOut]:
        """Search jobs, newest first; without a time filter, only jobs of the last seven days."""
        path = path_of("/v1/jobs")
        query: dict[str, Json] = {"state": state, "task": task, "queue": queue, "tenant": tenant, "external_id": external_id, "created_after": created_after, "created_before": created_before}
        return self._transport.pages(path, query)

    def enqueue_job(self, body: types.JobIn, *, wait: float | None = None, idempotency_key: str | None = None) -> types.JobOut:
        """Enqueue a job, or return the unfinished one with its `unique_key`; optionally wait for the result. 403 `task_internal` for Kontor's own tasks, whatever the key; `task_not_public` for a bound key."""
        path = path_of("/v1/jobs")
        query: dict[str, Json] = {"wait": wait}
        answer: types.JobOut = self._transport.request("POST", path, query=query, body=body, idempotency_key=idempotency_key)
        return answer

    def enqueue_jobs(self, body: types.JobsIn, *, idempotency_key: str | None = None) -> types.JobIdsOut:
        """Enqueue up to 10,000 jobs, all or none."""
        path = path_of("/v1/jobs/batch")
        answer: types.JobIdsOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def act_on_jobs(self, body: types.BulkIn, *, idempotency_key: str | None = None) -> types.BulkOut | types.JobOut:
        """Retry or cancel all matching jobs; a dry run counts them per task and tenant."""
        path = path_of("/v1/jobs/bulk")
        answer: types.BulkOut | types.JobOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def get_job(self, job_id: str) -> types.JobOut:
        """Return a job with its attempts."""
        path = path_of("/v1/jobs/{job_id}", job_id)
        answer: types.JobOut = self._transport.request("GET", path)
        return answer

    def cancel_job(self, job_id: str, body: types.ActionIn | None = None, *, idempotency_key: str | None = None) -> types.JobOut:
        """Cancel a waiting job, or ask a running one to stop. 409 `not_cancellable` with the state. 202 if the job is locked, for example by its own transaction: it is cancelled as soon as it no longer is."""
        path = path_of("/v1/jobs/{job_id}/cancel", job_id)
        answer: types.JobOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def retry_job(self, job_id: str, body: types.ActionIn | None = None, *, idempotency_key: str | None = None) -> types.JobOut:
        """Retry a dead, retrying or cancelled job now. 409 `not_retryable` with the state, `busy` if it is locked."""
        path = path_of("/v1/jobs/{job_id}/retry", job_id)
        answer: types.JobOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def list_tasks(self) -> types.PageOut_TaskOut_:
        """List tasks; a bound key sees those it can enqueue."""
        path = path_of("/v1/tasks")
        answer: types.PageOut_TaskOut_ = self._transport.request("GET", path)
        return answer


class KeysCalls:
    """Calls about keys."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_keys(self) -> Iterator[types.KeyOut]:
        """List keys, newest first, including revoked ones; a bound key sees those bound to it and to its clients."""
        path = path_of("/v1/keys")
        return self._transport.pages(path, None)

    def create_key(self, body: types.KeyIn, *, idempotency_key: str | None = None) -> types.NewKeyOut:
        """Create a key. A bound key makes keys for itself or its clients, with no more scopes than it has."""
        path = path_of("/v1/keys")
        answer: types.NewKeyOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def revoke_key(self, key_id: str) -> types.KeyOut:
        """Revoke a key at once; a repeat changes nothing. An unbound key without `admin` revokes none with more scopes."""
        path = path_of("/v1/keys/{key_id}", key_id)
        answer: types.KeyOut = self._transport.request("DELETE", path)
        return answer


class LanesCalls:
    """Calls about lanes."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_lanes(self, *, state: types.LaneState | None = None) -> Iterator[types.LaneOut]:
        """List lanes by name."""
        path = path_of("/v1/lanes")
        query: dict[str, Json] = {"state": state}
        return self._transport.pages(path, query)

    def hold_lane(self, name: str, body: types.ActionIn | None = None, *, idempotency_key: str | None = None) -> types.LaneOut:
        """Hold a lane: no job starts until it is released. 409 `already_held`."""
        path = path_of("/v1/lanes/{name}/hold", name)
        answer: types.LaneOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def probe_lane(self, name: str, body: types.ActionIn | None = None, *, idempotency_key: str | None = None) -> types.LaneOut:
        """Let an open lane send its next job now, and ping its instance. 409 `not_open`."""
        path = path_of("/v1/lanes/{name}/probe", name)
        answer: types.LaneOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def release_lane(self, name: str, body: types.ActionIn | None = None, *, idempotency_key: str | None = None) -> types.LaneOut:
        """End a hold: the next job is sent as a probe, and an instance gets a `ping`. 409 `not_held`."""
        path = path_of("/v1/lanes/{name}/release", name)
        answer: types.LaneOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer


class LeasesCalls:
    """Calls about leases."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def lease_jobs(self, body: types.LeaseIn, *, idempotency_key: str | None = None) -> types.LeasesOut:
        """Lease jobs of pull types; `[]` when there is none after `wait` seconds."""
        path = path_of("/v1/leases")
        answer: types.LeasesOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def complete(self, lease_id: str, body: types.CompleteIn | None = None, *, idempotency_key: str | None = None) -> types.EndedOut:
        """Record success; a second time the first one's answer. 409 `lease_lost`, 422 `result_too_large`."""
        path = path_of("/v1/leases/{lease_id}/complete", lease_id)
        answer: types.EndedOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def fail(self, lease_id: str, body: types.FailIn, *, idempotency_key: str | None = None) -> types.EndedOut:
        """Record a failed attempt. 409 `lease_lost`."""
        path = path_of("/v1/leases/{lease_id}/fail", lease_id)
        answer: types.EndedOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def heartbeat(self, lease_id: str, *, idempotency_key: str | None = None) -> types.BeatOut:
        """Prolong a lease by 60 s. 409 `lease_lost`."""
        path = path_of("/v1/leases/{lease_id}/heartbeat", lease_id)
        answer: types.BeatOut = self._transport.request("POST", path, idempotency_key=idempotency_key)
        return answer

    def release(self, lease_id: str, *, idempotency_key: str | None = None) -> types.EndedOut:
        """Give the job back; uses no attempt. 409 `lease_lost`."""
        path = path_of("/v1/leases/{lease_id}/release", lease_id)
        answer: types.EndedOut = self._transport.request("POST", path, idempotency_key=idempotency_key)
        return answer

    def snooze(self, lease_id: str, body: types.SnoozeIn, *, idempotency_key: str | None = None) -> types.EndedOut:
        """Let the job run again later; uses no attempt. 409 `lease_lost`."""
        path = path_of("/v1/leases/{lease_id}/snooze", lease_id)
        answer: types.EndedOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer


class MailsCalls:
    """Calls about mails."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_mails(self, *, created_after: str | None = None, created_before: str | None = None, account: str | None = None, template: str | None = None, state: Sequence[types.MailState] | None = None) -> Iterator[types.MailOut]:
        """List mails, newest first."""
        path = path_of("/v1/mails")
        query: dict[str, Json] = {"created_after": created_after, "created_before": created_before, "account": account, "template": template, "state": state}
        return self._transport.pages(path, query)

    def get_mail(self, mail_id: str) -> types.MailOut:
        """Return a mail; to an unbound key with the scope `operate` including its source."""
        path = path_of("/v1/mails/{mail_id}", mail_id)
        answer: types.MailOut = self._transport.request("GET", path)
        return answer


class MembersCalls:
    """Calls about members."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_members(self, account_id: str) -> Iterator[types.MemberOut]:
        """List the owner, then the members, oldest first."""
        path = path_of("/v1/accounts/{account_id}/members", account_id)
        return self._transport.pages(path, None)

    def add_member(self, account_id: str, body: types.MemberIn, *, idempotency_key: str | None = None) -> types.InvitedMemberOut:
        """Add a member and mail an invitation; one that the client's reseller invites decides no offer. 409 `member_exists`; 429 `too_many` invitations to the address."""
        path = path_of("/v1/accounts/{account_id}/members", account_id)
        answer: types.InvitedMemberOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def change_member(self, account_id: str, member_id: str, body: types.MemberPatch) -> types.MemberOut:
        """Change name, locale or role. 409 `owner_fixed`."""
        path = path_of("/v1/accounts/{account_id}/members/{member_id}", account_id, member_id)
        answer: types.MemberOut = self._transport.request("PATCH", path, body=body)
        return answer

    def remove_member(self, account_id: str, member_id: str) -> types.MemberOut:
        """Remove a member: sessions and links end with it. 409 `owner_fixed`."""
        path = path_of("/v1/accounts/{account_id}/members/{member_id}", account_id, member_id)
        answer: types.MemberOut = self._transport.request("DELETE", path)
        return answer

    def create_portal_session(self, account_id: str, body: types.PortalSessionIn, *, idempotency_key: str | None = None) -> types.PortalSessionOut:
        """Make a link to the portal that signs in once, within 5 minutes; with `embed` the updates, for 60 minutes. One that the client's reseller asked for decides no offer. 409 `account_deleted`, `account_suspended`."""
        path = path_of("/v1/accounts/{account_id}/portal-sessions", account_id)
        answer: types.PortalSessionOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer


class OffersCalls:
    """Calls about offers."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def read_badge(self, account_id: str) -> types.BadgeOut:
        """Return how many offers await the account's decision; to a reseller of its own."""
        path = path_of("/v1/accounts/{account_id}/badge", account_id)
        answer: types.BadgeOut = self._transport.request("GET", path)
        return answer

    def free_offers(self, account_id: str, body: types.FreeOffersIn, *, idempotency_key: str | None = None) -> types.FreedOffersOut:
        """Settle an objection to the account's address: its held offers go on. 409 `not_held`."""
        path = path_of("/v1/accounts/{account_id}/free-offers", account_id)
        answer: types.FreedOffersOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def list_licences(self, account_id: str) -> Iterator[types.LicenceOut]:
        """List the account's licences, ordered by product."""
        path = path_of("/v1/accounts/{account_id}/licences", account_id)
        return self._transport.pages(path, None)

    def list_updates(self, account_id: str) -> Iterator[types.OfferOut]:
        """List offers for the customer's admin: open ones first, then the last 20 decided; to a reseller its own."""
        path = path_of("/v1/accounts/{account_id}/updates", account_id)
        return self._transport.pages(path, None)

    def list_templates(self, *, reseller: str | None = None) -> Iterator[types.TemplateOut]:
        """List templates, newest first."""
        path = path_of("/v1/offer-templates")
        query: dict[str, Json] = {"reseller": reseller}
        return self._transport.pages(path, query)

    def create_template(self, body: types.TemplateIn, *, idempotency_key: str | None = None) -> types.TemplateOut:
        """Create a template. 409 `name_taken`; 422 `unknown_product`."""
        path = path_of("/v1/offer-templates")
        answer: types.TemplateOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def get_template(self, template_id: str) -> types.TemplateOut:
        """Return a template."""
        path = path_of("/v1/offer-templates/{template_id}", template_id)
        answer: types.TemplateOut = self._transport.request("GET", path)
        return answer

    def put_template(self, template_id: str, body: types.TemplateUpdate) -> types.TemplateOut:
        """Replace a template's name and lines; offers already sent keep theirs."""
        path = path_of("/v1/offer-templates/{template_id}", template_id)
        answer: types.TemplateOut = self._transport.request("PUT", path, body=body)
        return answer

    def delete_template(self, template_id: str) -> types.TemplateOut:
        """Delete a template; returns its last state."""
        path = path_of("/v1/offer-templates/{template_id}", template_id)
        answer: types.TemplateOut = self._transport.request("DELETE", path)
        return answer

    def add_line(self, template_id: str, body: types.LineIn, *, idempotency_key: str | None = None) -> types.TemplateOut:
        """Add a line to a template, in place of that product's. 422 `unknown_product`."""
        path = path_of("/v1/offer-templates/{template_id}/lines", template_id)
        answer: types.TemplateOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def remove_line(self, template_id: str, *, product: str) -> types.TemplateOut:
        """Remove a product's line from a template. 404 `unknown_line`."""
        path = path_of("/v1/offer-templates/{template_id}/lines", template_id)
        query: dict[str, Json] = {"product": product}
        answer: types.TemplateOut = self._transport.request("DELETE", path, query=query)
        return answer

    def list_offers(self, *, created_after: str | None = None, created_before: str | None = None, reseller: str | None = None, account: str | None = None, state: types.OfferState | None = None, external_id: str | None = None) -> Iterator[types.OfferOut]:
        """List offers, newest first."""
        path = path_of("/v1/offers")
        query: dict[str, Json] = {"created_after": created_after, "created_before": created_before, "reseller": reseller, "account": account, "state": state, "external_id": external_id}
        return self._transport.pages(path, query)

    def send_offer(self, body: types.OfferIn, *, idempotency_key: str | None = None) -> types.SentOfferOut:
        """Send an offer to a client. 409 `no_instance`, `external_id_taken`; 422 `unknown_product`; 429 `too_many`."""
        path = path_of("/v1/offers")
        answer: types.SentOfferOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def get_offer(self, offer_id: str) -> types.OfferOut:
        """Return an offer with its events, oldest first."""
        path = path_of("/v1/offers/{offer_id}", offer_id)
        answer: types.OfferOut = self._transport.request("GET", path)
        return answer

    def accept_offer(self, offer_id: str, *, idempotency_key: str | None = None) -> types.OfferOut:
        """Accept an offer, with the client's own key or on its behalf. 409 `illegal_transition`, `offer_held`."""
        path = path_of("/v1/offers/{offer_id}/accept", offer_id)
        answer: types.OfferOut = self._transport.request("POST", path, idempotency_key=idempotency_key)
        return answer

    def cancel_offer(self, offer_id: str, *, idempotency_key: str | None = None) -> types.OfferOut:
        """Withdraw an offer. 409 `illegal_transition` with the state."""
        path = path_of("/v1/offers/{offer_id}/cancel", offer_id)
        answer: types.OfferOut = self._transport.request("POST", path, idempotency_key=idempotency_key)
        return answer

    def mail_offer(self, offer_id: str, *, idempotency_key: str | None = None) -> types.OfferOut:
        """Send the mail about an offer that awaits a decision again. 409 `illegal_transition`, `not_sendable`."""
        path = path_of("/v1/offers/{offer_id}/mail", offer_id)
        answer: types.OfferOut = self._transport.request("POST", path, idempotency_key=idempotency_key)
        return answer

    def reject_offer(self, offer_id: str, *, idempotency_key: str | None = None) -> types.OfferOut:
        """Reject an offer, with the client's own key or on its behalf. 409 `illegal_transition`, `offer_held`."""
        path = path_of("/v1/offers/{offer_id}/reject", offer_id)
        answer: types.OfferOut = self._transport.request("POST", path, idempotency_key=idempotency_key)
        return answer


class OrdersCalls:
    """Calls about orders."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get_order(self, order_id: str) -> types.OrderOut:
        """Return one order."""
        path = path_of("/v1/orders/{order_id}", order_id)
        answer: types.OrderOut = self._transport.request("GET", path)
        return answer

    def cancel_order(self, order_id: str, body: types.CancelIn | None = None, *, idempotency_key: str | None = None) -> types.OrderOut:
        """Cancel an order while its service is being made: credited at once. 409 `illegal_transition` with the state."""
        path = path_of("/v1/orders/{order_id}/cancel", order_id)
        answer: types.OrderOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def list_orders(self, reseller_id: str, *, created_after: str | None = None, created_before: str | None = None, state: types.OrderState | None = None, external_id: str | None = None) -> Iterator[types.OrderOut]:
        """List orders, newest first."""
        path = path_of("/v1/resellers/{reseller_id}/orders", reseller_id)
        query: dict[str, Json] = {"created_after": created_after, "created_before": created_before, "state": state, "external_id": external_id}
        return self._transport.pages(path, query)

    def place_order(self, reseller_id: str, body: types.OrderIn, *, idempotency_key: str | None = None) -> types.OrderOut:
        """Place an order. Existing `order_ref`: 200, the first order, with `differs`. 422 `unknown_product`, `unknown_promo_code`, `invalid_config`, `invalid_args`, `unknown_task`. 409 `insufficient_balance` with `missing` where balance and credit limit do not cover it; `external_id_taken`, `account_suspended`."""
        path = path_of("/v1/resellers/{reseller_id}/orders", reseller_id)
        answer: types.OrderOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer


class PaymentsCalls:
    """Calls about payments."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_unmatched_payments(self, *, programme: str | None = None, dismissed: bool | None = None) -> Iterator[types.UnmatchedPaymentOut]:
        """List imported payments that name no reseller and wait for somebody to assign them, latest first."""
        path = path_of("/v1/payments/unmatched")
        query: dict[str, Json] = {"programme": programme, "dismissed": dismissed}
        return self._transport.pages(path, query)

    def assign_unmatched_payment(self, unmatched_id: str, body: types.PayeeIn, *, idempotency_key: str | None = None) -> types.PaymentOut:
        """Assign a payment to a reseller: 201, or 200 and the first where its reference is known with this content. 409 `already_assigned`, `not_a_reseller`; 422 `programme_mismatch`."""
        path = path_of("/v1/payments/unmatched/{unmatched_id}/assign", unmatched_id)
        answer: types.PaymentOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def dismiss_unmatched_payment(self, unmatched_id: str, body: types.DismissIn, *, idempotency_key: str | None = None) -> types.UnmatchedPaymentOut:
        """Take a payment that is no reseller's off the list, with a reason; assigning it takes that back. 409 `already_assigned`."""
        path = path_of("/v1/payments/unmatched/{unmatched_id}/dismiss", unmatched_id)
        answer: types.UnmatchedPaymentOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def get_payment(self, payment_id: str) -> types.PaymentOut:
        """Return a payment, to the reseller it counts for."""
        path = path_of("/v1/payments/{payment_id}", payment_id)
        answer: types.PaymentOut = self._transport.request("GET", path)
        return answer

    def list_payments(self, reseller_id: str, *, kind: types.PaymentKind | None = None, reference: str | None = None, from_: str | None = None, to: str | None = None) -> Iterator[types.PaymentOut]:
        """List payments, most recently posted first."""
        path = path_of("/v1/resellers/{reseller_id}/payments", reseller_id)
        query: dict[str, Json] = {"kind": kind, "reference": reference, "from": from_, "to": to}
        return self._transport.pages(path, query)

    def post_payment(self, reseller_id: str, body: types.PaymentIn, *, idempotency_key: str | None = None) -> types.PaymentOut:
        """Post a payment, also of a former, merged or deleted reseller. Known reference: 200, the first, with `differs`. 422 `currency_mismatch`, `in_future`, `invalid_amount`."""
        path = path_of("/v1/resellers/{reseller_id}/payments", reseller_id)
        answer: types.PaymentOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer


class ProgrammesCalls:
    """Calls about programmes."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_programmes(self) -> Iterator[types.ProgrammeOut]:
        """List applied programmes, ordered by code."""
        path = path_of("/v1/programmes")
        return self._transport.pages(path, None)

    def get_programme(self, code: str, *, version: int | None = None, against: int | None = None) -> types.ProgrammeOut:
        """Return a version of a programme, by default the one in force."""
        path = path_of("/v1/programmes/{code}", code)
        query: dict[str, Json] = {"version": version, "against": against}
        answer: types.ProgrammeOut = self._transport.request("GET", path, query=query)
        return answer

    def apply_programme(self, code: str, body: dict[str, Json], *, dry_run: bool | None = None, approve: str | None = None, effective: str | None = None, reason: str | None = None, idempotency_key: str | None = None) -> types.PlanOut:
        """Apply a programme file, as YAML or JSON in the body, or plan it (`dry_run`). A file that touches more than the guard-rail allows is refused (`approval_required`) with the plan's `hash`, which `approve` names."""
        path = path_of("/v1/programmes/{code}", code)
        query: dict[str, Json] = {"dry_run": dry_run, "approve": approve, "effective": effective, "reason": reason}
        answer: types.PlanOut = self._transport.request("POST", path, query=query, body=body, idempotency_key=idempotency_key)
        return answer

    def list_versions(self, code: str) -> Iterator[types.VersionOut]:
        """List the versions of a programme, the highest number first."""
        path = path_of("/v1/programmes/{code}/versions", code)
        return self._transport.pages(path, None)


class QueuesCalls:
    """Calls about queues."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_queues(self) -> types.PageOut_QueueOut_:
        """List all queues."""
        path = path_of("/v1/queues")
        answer: types.PageOut_QueueOut_ = self._transport.request("GET", path)
        return answer

    def pause_queue(self, name: str, body: types.ActionIn | None = None, *, idempotency_key: str | None = None) -> types.QueueOut:
        """Pause a queue: no new job starts; running jobs finish."""
        path = path_of("/v1/queues/{name}/pause", name)
        answer: types.QueueOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def resume_queue(self, name: str, body: types.ActionIn | None = None, *, idempotency_key: str | None = None) -> types.QueueOut:
        """Resume a queue."""
        path = path_of("/v1/queues/{name}/resume", name)
        answer: types.QueueOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer


class ReconciliationCalls:
    """Calls about reconciliation."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_gaps(self, *, kind: types.GapKind | None = None, open: bool | None = None) -> Iterator[types.GapOut]:
        """List gaps, newest first."""
        path = path_of("/v1/reconciliation")
        query: dict[str, Json] = {"kind": kind, "open": open}
        return self._transport.pages(path, query)

    def accept_gap(self, gap_id: str, body: types.ActionIn | None = None, *, idempotency_key: str | None = None) -> types.GapOut:
        """Accept a gap: it is closed and will not be reported again. 409 `mended`."""
        path = path_of("/v1/reconciliation/{gap_id}/accept", gap_id)
        answer: types.GapOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def repair_gap(self, gap_id: str, body: types.ActionIn | None = None, *, idempotency_key: str | None = None) -> types.GapOut:
        """Repair a gap, by a job if needed. 409 `not_mendable`, `mended`."""
        path = path_of("/v1/reconciliation/{gap_id}/repair", gap_id)
        answer: types.GapOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer


class ResellersCalls:
    """Calls about resellers."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def delete_account(self, account_id: str) -> types.AccountOut:
        """Delete an account; it can be restored for 30 days. 409 `has_clients`."""
        path = path_of("/v1/accounts/{account_id}", account_id)
        answer: types.AccountOut = self._transport.request("DELETE", path)
        return answer

    def become_reseller(self, account_id: str, body: types.BecomeResellerIn | None = None, *, idempotency_key: str | None = None) -> types.ResellerOut:
        """Turn an account into a reseller, free and immediately. 403 `party_refused`; 409 `already_reseller`, `terms_changed`."""
        path = path_of("/v1/accounts/{account_id}/become-reseller", account_id)
        answer: types.ResellerOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def restore_account(self, account_id: str, *, idempotency_key: str | None = None) -> types.AccountOut:
        """Restore a deleted account. 409 `not_deleted`, `final`."""
        path = path_of("/v1/accounts/{account_id}/restore", account_id)
        answer: types.AccountOut = self._transport.request("POST", path, idempotency_key=idempotency_key)
        return answer

    def revert_reseller(self, account_id: str, body: types.RevertIn | None = None, *, idempotency_key: str | None = None) -> types.AccountOut:
        """Turn a reseller back into a regular account. 409 `not_a_reseller`, `has_clients`."""
        path = path_of("/v1/accounts/{account_id}/revert-reseller", account_id)
        answer: types.AccountOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def list_clients(self, reseller_id: str, *, created_after: str | None = None, created_before: str | None = None, q: str | None = None, external_id: str | None = None, name: str | None = None, admin_email: str | None = None, plan: str | None = None, trial: types.TrialState | None = None, over_quota: bool | None = None, read_only: bool | None = None, open_offer: bool | None = None, instance: types.InstanceState | None = None, suspended: bool | None = None) -> Iterator[types.AccountOut]:
        """List the reseller's clients in order of creation."""
        path = path_of("/v1/resellers/{reseller_id}/clients", reseller_id)
        query: dict[str, Json] = {"created_after": created_after, "created_before": created_before, "q": q, "external_id": external_id, "name": name, "admin_email": admin_email, "plan": plan, "trial": trial, "over_quota": over_quota, "read_only": read_only, "open_offer": open_offer, "instance": instance, "suspended": suspended}
        return self._transport.pages(path, query)

    def create_client(self, reseller_id: str, body: types.ClientIn, *, idempotency_key: str | None = None) -> types.InvitedOut:
        """Create a client; its admin gets an activation link. 409 `name_taken`, `not_a_reseller`; 429 `too_many`."""
        path = path_of("/v1/resellers/{reseller_id}/clients", reseller_id)
        answer: types.InvitedOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def download_clients_csv(self, reseller_id: str) -> bytes:
        """Download the reseller's clients as CSV, UTF-8 with a byte order mark."""
        path = path_of("/v1/resellers/{reseller_id}/clients.csv", reseller_id)
        return self._transport.download(path, None)

    def download_clients_xlsx(self, reseller_id: str) -> bytes:
        """Download the reseller's clients as an Excel workbook."""
        path = path_of("/v1/resellers/{reseller_id}/clients.xlsx", reseller_id)
        return self._transport.download(path, None)

    def connect_client(self, reseller_id: str, body: types.ClientCredentials, *, idempotency_key: str | None = None) -> types.AccountOut:
        """Connect an existing account by its password. 403 `bad_credentials`; 409 `has_reseller`; 429 `locked`."""
        path = path_of("/v1/resellers/{reseller_id}/clients/connect", reseller_id)
        answer: types.AccountOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def disconnect_client(self, reseller_id: str, account_id: str, *, idempotency_key: str | None = None) -> types.AccountOut:
        """Disconnect a client: it becomes a regular account."""
        path = path_of("/v1/resellers/{reseller_id}/clients/{account_id}/disconnect", reseller_id, account_id)
        answer: types.AccountOut = self._transport.request("POST", path, idempotency_key=idempotency_key)
        return answer

    def merge_resellers(self, reseller_id: str, body: types.MergeIn, *, idempotency_key: str | None = None) -> types.MergeReportOut | types.MergeOut:
        """Merge a reseller into another, all or nothing. 409 `programme_mismatch`, `conflicts`, `not_a_reseller`."""
        path = path_of("/v1/resellers/{reseller_id}/merge", reseller_id)
        answer: types.MergeReportOut | types.MergeOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer


class SchedulesCalls:
    """Calls about schedules."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_schedules(self) -> types.PageOut_ScheduleOut_:
        """List all schedules."""
        path = path_of("/v1/schedules")
        answer: types.PageOut_ScheduleOut_ = self._transport.request("GET", path)
        return answer

    def pause_schedule(self, name: str, body: types.ActionIn | None = None, *, idempotency_key: str | None = None) -> types.ScheduleOut:
        """Pause a schedule: runs that fall due are skipped."""
        path = path_of("/v1/schedules/{name}/pause", name)
        answer: types.ScheduleOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def resume_schedule(self, name: str, body: types.ActionIn | None = None, *, idempotency_key: str | None = None) -> types.ScheduleOut:
        """Resume a schedule from its next run on."""
        path = path_of("/v1/schedules/{name}/resume", name)
        answer: types.ScheduleOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def run_schedule(self, name: str, body: types.ActionIn | None = None, *, idempotency_key: str | None = None) -> types.JobOut:
        """Enqueue the schedule's task now; returns the job."""
        path = path_of("/v1/schedules/{name}/run", name)
        answer: types.JobOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer


class ServicesCalls:
    """Calls about services."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_services(self, *, created_after: str | None = None, created_before: str | None = None, reseller: str | None = None, account: str | None = None, state: types.ServiceState | None = None, product: str | None = None, external_id: str | None = None) -> Iterator[types.ServiceOut]:
        """List services, newest first."""
        path = path_of("/v1/services")
        query: dict[str, Json] = {"created_after": created_after, "created_before": created_before, "reseller": reseller, "account": account, "state": state, "product": product, "external_id": external_id}
        return self._transport.pages(path, query)

    def get_service(self, service_id: str) -> types.ServiceWithJobsOut:
        """Return a service with its events, oldest first, and its jobs."""
        path = path_of("/v1/services/{service_id}", service_id)
        answer: types.ServiceWithJobsOut = self._transport.request("GET", path)
        return answer

    def change_service(self, service_id: str, body: types.ServiceUpdate) -> types.ServiceWithJobsOut:
        """Change quantity or config by a job. 409 `illegal_transition`, `action_under_way`, `insufficient_balance`."""
        path = path_of("/v1/services/{service_id}", service_id)
        answer: types.ServiceWithJobsOut = self._transport.request("PATCH", path, body=body)
        return answer

    def renew_service(self, service_id: str, body: types.RenewIn | None = None, *, idempotency_key: str | None = None) -> types.ServiceWithJobsOut:
        """Renew for another term, by an order at the price and discount of now; a known `order_ref` changes nothing. 409 `illegal_transition`, `not_renewable`, `insufficient_balance` with `missing`, `account_suspended`."""
        path = path_of("/v1/services/{service_id}/renew", service_id)
        answer: types.ServiceWithJobsOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def resume_service(self, service_id: str, body: types.ServiceVerbIn | None = None, *, idempotency_key: str | None = None) -> types.ServiceWithJobsOut:
        """Resume what was suspended by hand; what the provider suspended, only the provider. 409 `illegal_transition`."""
        path = path_of("/v1/services/{service_id}/resume", service_id)
        answer: types.ServiceWithJobsOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def retry_service(self, service_id: str, body: types.ServiceVerbIn | None = None, *, idempotency_key: str | None = None) -> types.ServiceWithJobsOut:
        """Try to make a failed service again, charged again. 409 `illegal_transition`, `insufficient_balance`."""
        path = path_of("/v1/services/{service_id}/retry", service_id)
        answer: types.ServiceWithJobsOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def suspend_service(self, service_id: str, body: types.ServiceVerbIn | None = None, *, idempotency_key: str | None = None) -> types.ServiceWithJobsOut:
        """Suspend. 409 `illegal_transition`."""
        path = path_of("/v1/services/{service_id}/suspend", service_id)
        answer: types.ServiceWithJobsOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def terminate_service(self, service_id: str, body: types.ServiceVerbIn | None = None, *, idempotency_key: str | None = None) -> types.ServiceWithJobsOut:
        """End a service now; nothing is paid back. 409 `illegal_transition`."""
        path = path_of("/v1/services/{service_id}/terminate", service_id)
        answer: types.ServiceWithJobsOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer


class TaskTypesCalls:
    """Calls about task types."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_task_types(self) -> types.PageOut_TaskTypeOut_:
        """List all task types, by name."""
        path = path_of("/v1/task-types")
        answer: types.PageOut_TaskTypeOut_ = self._transport.request("GET", path)
        return answer

    def get_task_type(self, name: str) -> types.TaskTypeOut:
        """Return the newest version of a task type."""
        path = path_of("/v1/task-types/{name}", name)
        answer: types.TaskTypeOut = self._transport.request("GET", path)
        return answer

    def put_task_type(self, name: str, body: types.TaskTypeIn) -> types.TaskTypeSecretOut:
        """Declare a task type or change it; the secret of a new push handler is shown once. 422 `reserved_name`, `invalid_schema`, `forbidden_address`."""
        path = path_of("/v1/task-types/{name}", name)
        answer: types.TaskTypeSecretOut = self._transport.request("PUT", path, body=body)
        return answer

    def delete_task_type(self, name: str) -> types.TaskTypeOut:
        """Delete a task type. 409 `in_use` while jobs of it are not finished."""
        path = path_of("/v1/task-types/{name}", name)
        answer: types.TaskTypeOut = self._transport.request("DELETE", path)
        return answer

    def rotate_task_type(self, name: str, *, idempotency_key: str | None = None) -> types.TaskTypeSecretOut:
        """Make a new secret for the handler; the former one also signs for 24 h."""
        path = path_of("/v1/task-types/{name}/rotate", name)
        answer: types.TaskTypeSecretOut = self._transport.request("POST", path, idempotency_key=idempotency_key)
        return answer


class WebhooksCalls:
    """Calls about webhooks."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_endpoints(self, *, reseller: str | None = None) -> Iterator[types.WebhookEndpointOut]:
        """List endpoints, newest first."""
        path = path_of("/v1/webhook-endpoints")
        query: dict[str, Json] = {"reseller": reseller}
        return self._transport.pages(path, query)

    def create_endpoint(self, body: types.WebhookEndpointIn, *, idempotency_key: str | None = None) -> types.WebhookEndpointSecretOut:
        """Create an endpoint. 409 `endpoint_exists`; 422 `forbidden_address`, `unknown_event`, `invalid_secret`."""
        path = path_of("/v1/webhook-endpoints")
        answer: types.WebhookEndpointSecretOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def get_endpoint(self, endpoint_id: str) -> types.WebhookEndpointOut:
        """Return an endpoint."""
        path = path_of("/v1/webhook-endpoints/{endpoint_id}", endpoint_id)
        answer: types.WebhookEndpointOut = self._transport.request("GET", path)
        return answer

    def change_endpoint(self, endpoint_id: str, body: types.WebhookEndpointPatch) -> types.WebhookEndpointOut:
        """Change URL or events. 409 `endpoint_exists`; 422 `forbidden_address`, `unknown_event`."""
        path = path_of("/v1/webhook-endpoints/{endpoint_id}", endpoint_id)
        answer: types.WebhookEndpointOut = self._transport.request("PATCH", path, body=body)
        return answer

    def delete_endpoint(self, endpoint_id: str) -> types.WebhookEndpointOut:
        """Delete an endpoint."""
        path = path_of("/v1/webhook-endpoints/{endpoint_id}", endpoint_id)
        answer: types.WebhookEndpointOut = self._transport.request("DELETE", path)
        return answer

    def list_deliveries(self, endpoint_id: str, *, created_after: str | None = None, created_before: str | None = None, state: types.DeliveryState | None = None) -> Iterator[types.WebhookDeliveryOut]:
        """List deliveries, newest first."""
        path = path_of("/v1/webhook-endpoints/{endpoint_id}/deliveries", endpoint_id)
        query: dict[str, Json] = {"created_after": created_after, "created_before": created_before, "state": state}
        return self._transport.pages(path, query)

    def replay_endpoint(self, endpoint_id: str, body: types.ReplayIn | None = None, *, idempotency_key: str | None = None) -> types.ReplayOut:
        """Deliver events again with their original ids; enables a disabled endpoint."""
        path = path_of("/v1/webhook-endpoints/{endpoint_id}/replay", endpoint_id)
        answer: types.ReplayOut = self._transport.request("POST", path, body=body, idempotency_key=idempotency_key)
        return answer

    def rotate_secret(self, endpoint_id: str, *, idempotency_key: str | None = None) -> types.WebhookEndpointSecretOut:
        """Rotate the secret; the previous one also signs for 24 h."""
        path = path_of("/v1/webhook-endpoints/{endpoint_id}/rotate", endpoint_id)
        answer: types.WebhookEndpointSecretOut = self._transport.request("POST", path, idempotency_key=idempotency_key)
        return answer

    def test_endpoint(self, endpoint_id: str, *, idempotency_key: str | None = None) -> types.WebhookDeliveryOut:
        """Send a `webhook.test` event. 409 `endpoint_disabled`."""
        path = path_of("/v1/webhook-endpoints/{endpoint_id}/test", endpoint_id)
        answer: types.WebhookDeliveryOut = self._transport.request("POST", path, idempotency_key=idempotency_key)
        return answer


class Resources:
    """All calls."""

    def __init__(self, transport: Transport) -> None:
        self.account_book = AccountBookCalls(transport)
        self.accounts = AccountsCalls(transport)
        self.clock = ClockCalls(transport)
        self.discounts = DiscountsCalls(transport)
        self.domains = DomainsCalls(transport)
        self.events = EventsCalls(transport)
        self.fees = FeesCalls(transport)
        self.jobs = JobsCalls(transport)
        self.keys = KeysCalls(transport)
        self.lanes = LanesCalls(transport)
        self.leases = LeasesCalls(transport)
        self.mails = MailsCalls(transport)
        self.members = MembersCalls(transport)
        self.offers = OffersCalls(transport)
        self.orders = OrdersCalls(transport)
        self.payments = PaymentsCalls(transport)
        self.programmes = ProgrammesCalls(transport)
        self.queues = QueuesCalls(transport)
        self.reconciliation = ReconciliationCalls(transport)
        self.resellers = ResellersCalls(transport)
        self.schedules = SchedulesCalls(transport)
        self.services = ServicesCalls(transport)
        self.task_types = TaskTypesCalls(transport)
        self.webhooks = WebhooksCalls(transport)
