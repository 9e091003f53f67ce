"""Texts of the pages that ask before something is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Texts of a confirmation page; `{}` stands for the id or name in the path."""

    title: str
    question: str
    button: str


CONFIRMATIONS: Final[Mapping[str, Confirmation]] = {
    "job.retry": Confirmation(
        "Retry this job?",
        "Job {} is queued now, with all its attempts available again. Mails and calls from earlier attempts are not "
        "undone.",
        "Retry job",
    ),
    "job.cancel": Confirmation(
        "Cancel this job?", "Job {} ends now if it is waiting. If it is running, it is asked to stop.", "Cancel job"
    ),
    "bulk.start": Confirmation(
        "Start this bulk action?",
        "Bulk action {} is applied in chunks to every job that matches. You can pause or stop it.",
        "Start",
    ),
    "bulk.pause": Confirmation(
        "Pause this bulk action?",
        "Bulk action {} finishes its current chunk, then waits until you resume it.",
        "Pause",
    ),
    "bulk.resume": Confirmation("Resume this bulk action?", "Bulk action {} continues where it was paused.", "Resume"),
    "bulk.stop": Confirmation(
        "Stop this bulk action?",
        "Bulk action {} ends for good. Finished items stay finished; the rest are skipped.",
        "Stop",
    ),
    "queue.pause": Confirmation(
        "Pause queue {}?", "Running jobs of queue {} finish; new jobs wait until you resume it.", "Pause queue"
    ),
    "queue.resume": Confirmation(
        "Resume queue {}?",
        "Waiting jobs of queue {} start again: oldest first, tenants in turn.",
        "Resume queue",
    ),
    "payment.assign": Confirmation(
        "Assign this payment?",
        "Payment {} counts for the reseller on its own date: in its turnover and its account book.",
        "Assign",
    ),
    "payment.dismiss": Confirmation(
        "Dismiss this payment?",
        "Payment {} is no reseller's and leaves the list. Assigning it later takes that back.",
        "Dismiss",
    ),
    "suspension.set": Confirmation(
        "Suspend this account?",
        "The keys of account {} stop at once; no offer is sent or decided, no order placed. Fees and trials go on. A "
        "reseller's clients are suspended with it.",
        "Suspend",
    ),
    "factors.remove": Confirmation(
        "Remove the second factors?",
        "The owner of account {} signs in with the password alone until a new one is added. Make sure that it is the "
        "owner who asks.",
        "Remove",
    ),
    "suspension.lift": Confirmation(
        "Resume this account?",
        "Account {} works again; of a reseller also the clients that its suspension alone held.",
        "Resume",
    ),
    "reseller.begin": Confirmation(
        "Make this account a reseller?",
        "Account {} becomes a reseller at once, on the current terms, and is mailed. A client is disconnected first.",
        "Make reseller",
    ),
    "trial.start": Confirmation(
        "Start the free trial?", "The only trial of account {} starts now. It cannot be started a second time.", "Start"
    ),
    "plan.change": Confirmation(
        "Change the plan?",
        "Account {} takes another plan: an upgrade starts now and is charged, any other at the end of what is paid.",
        "Change plan",
    ),
    "deletion.begin": Confirmation(
        "Delete this account?",
        "Account {} stops at once: sessions, keys and offers end. It can be restored for 30 days.",
        "Delete",
    ),
    "deletion.undo": Confirmation("Restore this account?", "Account {} works again as it was.", "Restore"),
    "domain.mark": Confirmation(
        "Mark a domain as verified?",
        "Pages and mails of account {} use the domain from now on, without a record in DNS.",
        "Mark as verified",
    ),
    "withdrawal.begin": Confirmation(
        "Withdraw this offer?", "Offer {} cannot be decided any more; the customer's system is informed.", "Withdraw"
    ),
    "service.renew": Confirmation(
        "Renew this service?",
        "Service {} is ordered for another term at the price and discount of now; its reseller pays.",
        "Renew",
    ),
    "service.suspend": Confirmation(
        "Suspend this service?", "Service {} is suspended by a job. Only the provider can resume it.", "Suspend"
    ),
    "service.resume": Confirmation(
        "Resume this service?",
        "Service {} works again, by a job, unless it is suspended for another cause too.",
        "Resume",
    ),
    "service.terminate": Confirmation(
        "End this service?",
        "Service {} ends now, by a job. Nothing is paid back, and it cannot be undone.",
        "End service",
    ),
    "service.create": Confirmation(
        "Try to make this service again?",
        "The order of service {} is charged again at its own price, and a new job tries to make it.",
        "Try again",
    ),
    "offer.deliver": Confirmation(
        "Deliver this offer again?",
        "The call of offer {} to the client's system is made now, with all its attempts available again.",
        "Deliver again",
    ),
    "order.cancel": Confirmation(
        "Cancel this order?",
        "Order {} ends; what was made for it is removed by a job.",
        "Cancel order",
    ),
    "charge.void": Confirmation(
        "Void this charge?", "Charge {} does not count any more. It stays in the list, and it cannot be undone.", "Void"
    ),
    "discount_run.approve": Confirmation(
        "Approve this discount run?",
        "Run {} records the new discounts and mails the resellers whose tier changes.",
        "Approve",
    ),
    "discount_run.reject": Confirmation(
        "Reject this discount run?",
        "Run {} ends and records nothing. The next day's run compares again and may be held again.",
        "Reject",
    ),
    "endpoint.replay": Confirmation(
        "Deliver again?",
        "What endpoint {} did not take is delivered again with the same ids. A disabled endpoint is enabled.",
        "Deliver again",
    ),
    "endpoint.test": Confirmation("Send a test?", "Endpoint {} gets one event of type webhook.test.", "Send"),
    "queue.limit": Confirmation(
        "Concurrency limit of queue {}",
        "At most this many jobs of queue {} run at the same time, across all processes.",
        "Save limit",
    ),
    "worker.drain": Confirmation(
        "Drain this worker?", "Worker {} finishes its jobs and takes no new ones, so that you can stop it.", "Drain"
    ),
    "worker.undrain": Confirmation("Stop draining this worker?", "Worker {} accepts jobs again.", "Stop draining"),
    "schedule.run": Confirmation(
        "Run {} now?", "One job of schedule {} is queued now, in addition to its regular runs.", "Run now"
    ),
    "schedule.pause": Confirmation(
        "Pause schedule {}?",
        "Runs of schedule {} that fall due while it is paused are skipped, whatever its misfire policy.",
        "Pause schedule",
    ),
    "schedule.resume": Confirmation(
        "Resume schedule {}?", "Schedule {} runs again from its next due time.", "Resume schedule"
    ),
    "lane.probe": Confirmation(
        "Probe this instance now?",
        "The next waiting call of {} is sent now. If it succeeds, the others follow.",
        "Probe now",
    ),
    "lane.hold": Confirmation(
        "Put this instance on hold?",
        "New calls of {} wait until you release it. A call under way is finished.",
        "Put on hold",
    ),
    "lane.release": Confirmation(
        "Release this instance?",
        "The next waiting call of {} is sent as a probe. If it succeeds, the others follow.",
        "Release",
    ),
    "gap.mend": Confirmation(
        "Repair this gap?", "The missing work of gap {} is done, at most once and by a job if it needs one.", "Repair"
    ),
    "gap.accept": Confirmation(
        "Accept this gap?", "Gap {} is closed as it is; it will not be reported again.", "Accept"
    ),
    "account.free_offers": Confirmation(
        "Free the held offers?",
        "The objection to the address of account {} is settled: its offers can be decided again and go on as long as"
        " they still had.",
        "Free",
    ),
    "operator.disable": Confirmation(
        "Disable this login?", "All sessions of operator {} end now and sign-in is blocked.", "Disable"
    ),
    "operator.enable": Confirmation(
        "Enable this login?", "Operator {} can sign in again with the old password.", "Enable"
    ),
    "key.revoke": Confirmation(
        "Revoke this API key?", "Requests that use key {} are refused from now on. This cannot be undone.", "Revoke key"
    ),
}
