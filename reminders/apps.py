from django.apps import AppConfig


class RemindersConfig(AppConfig):
    name = "reminders"
    verbose_name = "Reminders"

    def ready(self) -> None:
        from accounts.manifestation import signed_kind
        from reminders.casebook import KIND as CASEBOOK
        from reminders.casebook import casebook_records
        from reminders.reviews import KIND, review_records

        signed_kind(KIND, review_records)
        signed_kind(CASEBOOK, casebook_records, may_change=True)
