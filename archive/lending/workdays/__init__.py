"""The calendar of working days (工作日历): shown, changed by hand or a notice, counted by."""
