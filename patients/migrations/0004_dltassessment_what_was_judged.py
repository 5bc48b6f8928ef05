import datetime as dt

from django.db import migrations, models


class Migration(migrations.Migration):
    """A judgement keeps the facts that were judged.

    Of judgements made before, the facts are not known: 'not a DLT' then stands for nothing and is asked for again.
    """

    dependencies = [("patients", "0003_guard_delay_ladder_and_end")]

    operations = [
        migrations.AddField(
            "dltassessment",
            "term",
            models.CharField(max_length=200, help_text="the event's term when it was judged", default=""),
            preserve_default=False,
        ),
        migrations.AddField(
            "dltassessment",
            "detail",
            models.CharField(
                max_length=300, blank=True, help_text="what it was, more precisely, when it was judged", default=""
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "dltassessment",
            "grade",
            models.PositiveSmallIntegerField(help_text="the event's grade when it was judged", default=0),
            preserve_default=False,
        ),
        migrations.AddField(
            "dltassessment",
            "onset_on",
            models.DateField(help_text="the event's onset when it was judged", default=dt.date(1, 1, 1)),
            preserve_default=False,
        ),
        migrations.AddField(
            "dltassessment",
            "relations",
            models.JSONField(help_text="agent code → relation when it was judged", default=dict),
            preserve_default=False,
        ),
        migrations.AddField(
            "dltassessment",
            "in_window",
            models.BooleanField(help_text="whether the onset lay in the DLT window when it was judged", default=False),
            preserve_default=False,
        ),
    ]
