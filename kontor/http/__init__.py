"""The request layer of the API: context, authorisation, commit boundary, idempotency, problems."""
