"""The other party of a contract (对方签字): invited by a one-time link, without an account."""
