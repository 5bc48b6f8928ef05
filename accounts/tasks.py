"""What is looked after without anybody asking: dormant accounts, and security mail that could not be sent at once."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts.models import Lockout, User
from accounts.operations import close_dormant_accounts, tell_of_lockout


@shared_task(ignore_result=True)
def close_dormant() -> None:
    if settings.RUNG_DEMO:
        return  # whoever comes back to try it out finds everybody still there
    close_dormant_accounts(by=User.objects.system(), at=timezone.now())


@shared_task(ignore_result=True)
def tell_of_lockouts() -> None:
    """Those of whom the security address has not heard yet."""
    for lockout_id in Lockout.objects.in_force().filter(told_at=None).values_list("pk", flat=True):
        tell_of_lockout(lockout_id=lockout_id, by=User.objects.system(), at=timezone.now())
