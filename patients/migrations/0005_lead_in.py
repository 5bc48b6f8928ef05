from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """The lead-in is a cycle with the number 0; treatment starts with it."""

    dependencies = [("patients", "0004_dltassessment_what_was_judged")]

    operations = [
        migrations.RemoveConstraint(model_name="cycle", name="cycles_count_from_1"),
        migrations.AddConstraint(
            model_name="cycle",
            constraint=models.CheckConstraint(condition=Q(number__gte=0), name="cycles_count_from_the_lead_in"),
        ),
        migrations.AlterField(
            model_name="cycle",
            name="number",
            field=models.PositiveSmallIntegerField(help_text="from 1; 0 is the lead-in"),
        ),
        migrations.AlterField(
            model_name="patient",
            name="planned_start",
            field=models.DateField(blank=True, help_text="expected first day of treatment", null=True),
        ),
    ]
