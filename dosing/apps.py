from django.apps import AppConfig


class DosingConfig(AppConfig):
    name = "dosing"
    verbose_name = "Dose decisions"

    def ready(self) -> None:
        from accounts.manifestation import signed_kind
        from dosing.queries.record import RECORD_KIND, decision_records

        signed_kind(RECORD_KIND, decision_records)
