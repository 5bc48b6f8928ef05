from rest_framework.routers import BaseRouter


def register_events(router: BaseRouter) -> None:
    """Adverse events and DLT judgements."""
