"""Figures of lending for a period (借阅统计): how much, by whom, how long, what went wrong."""
