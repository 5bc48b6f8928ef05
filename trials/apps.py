from django.apps import AppConfig


class TrialsConfig(AppConfig):
    name = "trials"
    verbose_name = "Trials"

    def ready(self) -> None:
        from accounts.manifestation import signed_kind
        from trials.readiness import SETUP, set_up_records
        from trials.who_has_access import RECORD_KIND, reviewed_records

        signed_kind(SETUP, set_up_records, may_change=True)
        signed_kind(RECORD_KIND, reviewed_records)
