"""How a setting is refused; what the modules that read settings share."""


class BadSetting(ValueError):
    """A setting in the environment that cannot be used; `message` says which, in Chinese."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
