"""Every `code` of the API's problems: its statuses, the cause, and what to do (docs/reference/errors.md)."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

TEXTS: Final = """
account_deleted 409: The account is deleted.
  Restore it within 30 days: POST /v1/accounts/{id}/restore.
account_required 422: Several accounts claim the domain.
  Name one of them in `account`.
account_suspended 403 409: The account, or its reseller, is suspended.
  Ask whoever suspended it to resume it.
action_under_way 409: Something else is under way for the service.
  Wait until `action` is null, then ask again.
address_not_allowed 403: The key is bound to address ranges, and the call comes from elsewhere.
  Call from an address of its ranges, or make another key.
address_unconfirmed 409: The address has not been confirmed by its owner.
  Let the owner open the link that was mailed.
already_activated 409: The owner of the account has a password already.
  Nothing to do.
already_assigned 409: The unmatched payment is posted already.
  Read the list again.
already_held 409: The lane is on hold already.
  Nothing to do.
already_reseller 409: The account is a reseller.
  Use another account, or revert it to a regular one first.
already_subscribed 409: The account has a paid plan, so it gets no trial.
  Nothing to do.
already_void 409: The charge is void already.
  Nothing to do.
approval_required 409: The change of the programme needs an approval.
  Look at the plan with `dry_run`, then send its hash in `approve`.
args_too_large 422: The args of a job have more than 1 MiB.
  Store the content elsewhere and send its address.
bad_credentials 403: Name and password do not belong together.
  Correct them; five failures lock the name for a while.
bad_programme 422: The programme file has errors, each at its line.
  Correct the lines that `errors` names.
busy 409: Another request is changing the same data; nothing was changed.
  Send the request again after `Retry-After`.
clock_backwards 409: The test clock moves forward only.
  Send a later instant.
conflicts 409: Both resellers have a subscription that is limited to one client.
  Unassign one of each pair in `conflicts`, then merge again.
currency_in_use 409: There is money in the programme's currency.
  Keep the currency; make another programme for another one.
currency_mismatch 422: The amount is in another currency than the programme's.
  Send the amount in the programme's currency.
endpoint_disabled 409: The webhook endpoint is disabled.
  Enable it: POST .../replay.
endpoint_exists 409: There is an endpoint with that URL and those events.
  Use that one, or choose other events.
external_id_taken 409: Another object of the same kind has, or had, that external_id.
  Look it up by `external_id`, or choose another one.
final 409: The account was deleted for good.
  Create a new account.
forbidden 403: The key may see the object but not do this.
  Use a key with the scope that `detail` names.
forbidden_address 422: The URL leads to an address that is not called.
  Use https on port 443 of a public address.
has_clients 409: The reseller has clients.
  Disconnect them first, or send `disconnect_clients`.
has_main 409: The account has that product already as its main one.
  Read the account's products.
has_reseller 409: The account has another reseller.
  Disconnect it there first.
idempotency_in_progress 409: A request with that Idempotency-Key is still running.
  Wait, then send it again.
idempotency_mismatch 422: The Idempotency-Key was used for another request.
  Use a new key for a new request.
illegal_transition 409: The object's `state` does not allow this.
  Read the object again; `state` says what it is now.
in_future 422: The instant is in the future.
  Send an instant that has passed.
in_use 409: Unfinished jobs, or a schedule, use the task type.
  Wait for them or cancel them; take the schedule out of its file.
insufficient_balance 409: Balance and credit limit do not cover it; `missing` says what is missing.
  Record a payment, then send it again.
internal 500: A fault within Kontor.
  Send it again; report `trace_id` if it stays.
invalid 422: Fields are missing, unknown or have a wrong form.
  Correct the fields that `errors` names.
invalid_amount 422: The amount is no positive decimal with the currency's decimals.
  Send text such as "10.00".
invalid_args 422: The args do not fit the task's schema.
  Correct the places that `errors` names; GET /v1/tasks has the schema.
invalid_config 422: The config does not fit the product's schema.
  Correct the places that `errors` names.
invalid_schema 422: The JSON Schema is not valid, or refers to another host.
  Send a JSON Schema 2020-12 without outside references.
invalid_secret 422: The secret has not the form that is signed with.
  Send `whsec_` and the base64 of 24 to 64 bytes, or none.
key_expired 401: The API key has expired.
  Make a new key.
later_version 409: A later version of the programme is planned already.
  Plan yours for a later instant.
lease_lost 409: The lease is over, or another worker's by now.
  Stop the work; the job runs elsewhere.
locked 429: Too many failed attempts.
  Wait for `Retry-After` seconds.
main_required 409: The product needs another one that the account does not have.
  Assign the other product first.
managed_by_provider 403: The provider manages the product.
  Ask the provider.
member_exists 409: The account has a member with that address.
  Change that member.
mended 409: The gap is repaired already.
  Nothing to do.
method_not_allowed 405: The path has no such method.
  Use one of `Allow`.
name_taken 409 422: The name looks like one that is taken.
  Choose another name.
no_handler 409: Pull workers run the task type, so it has no secret.
  Nothing to rotate.
no_instance 404 409: The account has no instance.
  Set one: PUT /v1/accounts/{id}/instance.
no_lines 422: The offer or the template has no line.
  Add a line first.
no_test_clock 404: The test clock is off.
  Start Kontor with KONTOR_TEST_CLOCK=1, on a test system alone.
no_trial 409: The programme has no trial.
  Nothing to do.
no_turnover_discount 422: The programme has no discount by turnover.
  Choose another programme.
not_a_client 409: The account has no reseller.
  Connect it first.
not_a_preview 409: The bulk action has begun already.
  Read it again.
not_a_reseller 409 422: The account is no reseller.
  Let it become one: POST .../become-reseller.
not_cancellable 409: The job has finished, or cannot be stopped any more.
  Read the job; `state` says what it is.
not_deleted 409: The account is not deleted.
  Nothing to do.
not_for_sale 422: The product has no price.
  Choose a product with a price.
not_found 404: There is nothing there, or you may not see it.
  Check the id and the key.
not_held 409: Nothing is on hold.
  Nothing to do.
not_mendable 409: The gap cannot be repaired by a job.
  Follow its `remedy`.
not_multiple 409: The product may be assigned to one client only.
  Unassign it there first.
not_open 409: The breaker of the lane is not open.
  Nothing to do.
not_recurring 422: The product has no recurring fee.
  Order it: POST /v1/resellers/{id}/orders.
not_renewable 409: The service has no term, or its product cannot be renewed.
  Place a new order.
not_retryable 409: The job is not dead or cancelled.
  Read the job; `state` says what it is.
not_running 409: The bulk action is not running.
  Read it again.
not_sendable 409: The mail would not be true any more.
  Nothing to do.
offer_held 409: The offer waits until an objection is settled.
  Ask the provider.
order_ref_taken 409: The reference is that of another order.
  Choose a reference of its own for each order.
own_address_unconfirmed 409: The account's own address is not confirmed.
  Confirm it by the link that was mailed.
owner_fixed 409: The owner is the account's admin.
  Change the account's `admin_email`.
party_refused 403: The legal form may not become a reseller.
  Use an account of a company.
plan_in_use 409: Accounts have the plan that the file no longer has.
  Keep the plan, or move the accounts first.
precondition_failed 412: The resource has changed since the ETag of If-Match.
  Read it again, apply the change to it, send the new ETag.
product_in_use 409: The product that the file no longer has is assigned.
  Keep the product, or unassign it first.
programme_mismatch 409 422: The accounts belong to different programmes.
  Use accounts of one programme.
reason_missing 422: The act needs a reason.
  Send `reason`.
reference_taken 409: Another request posts that reference right now.
  Send the request again.
request_timeout 408: The body did not arrive in time.
  Send it again without pauses.
reserved_name 422: Kontor's own tasks have names of that family.
  Choose another family.
result_too_large 422: The result of a job has more than 64 KiB.
  Store the content elsewhere and send its address.
task_internal 403: Only Kontor enqueues that task.
  Use the call that causes it.
task_not_public 403: Keys that are bound may not enqueue that task.
  Use an unbound key, or declare the type `public`.
terms_changed 409: The terms have another version than the one that was read.
  Read them again, then send the new version.
too_large 413: The body, unpacked, has more bytes than `limit`.
  Send less at once.
too_many 429: A limit is reached; `RateLimit-Policy` names it.
  Wait for `Retry-After` seconds.
trial_used 409: The account had its trial.
  Nothing to do.
unauthorized 401: The API key is missing, wrong or revoked.
  Send `Authorization: Bearer KEY`.
unavailable 503: The database does not respond, or accepts no writes.
  Send it again after `Retry-After`, with an Idempotency-Key.
unknown_domain 404: No brand uses the domain.
  Set it in a brand first.
unknown_event 422: There is no event of that type.
  Choose from docs/reference/webhooks.md, or send `*`.
unknown_lane 404: There is no such lane.
  Read GET /v1/lanes.
unknown_limit 404: There is no such limit.
  Read the limits.
unknown_line 404: The template has no line of that product.
  Read the template.
unknown_plan 422: The programme has no such plan.
  Choose one that `detail` names.
unknown_product 404 422: There is no such product, or not for this reseller.
  Read GET /v1/resellers/{id}/products.
unknown_programme 404 422: There is no such programme.
  Read GET /v1/programmes.
unknown_promo_code 422: The promo code does not hold for this order.
  Leave it out, or correct it.
unknown_queue 404 422: There is no such queue.
  Read GET /v1/queues.
unknown_schedule 404: There is no such schedule.
  Read GET /v1/schedules.
unknown_task 404 422: There is no such task.
  Read GET /v1/tasks or GET /v1/task-types.
unknown_version 404: The programme has no such version.
  Read GET /v1/programmes/{code}/versions.
unsupported_encoding 415: The body has an encoding other than gzip.
  Send it as it is, or with `Content-Encoding: gzip`.
"""
ENTRY: Final = re.compile(r"(\w+)((?: \d{3})+): (.+)\n  (.+)\n")


class ErrorCode(NamedTuple):
    """The statuses under which a code comes, why, and what to do."""

    statuses: tuple[int, ...]
    cause: str
    remedy: str


CODES: Final[Mapping[str, ErrorCode]] = {
    code: ErrorCode(tuple(map(int, statuses.split())), cause, remedy)
    for code, statuses, cause, remedy in ENTRY.findall(TEXTS)
}
