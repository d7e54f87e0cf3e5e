"""Incidents of lending: overdue for long, pages missing, damage, loss (遗失损坏报告单 A11)."""
