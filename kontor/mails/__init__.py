"""The mail log: posted, sent, sent again, previewed, unsubscribed."""
