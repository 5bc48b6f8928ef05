"""A person's private calendar address of a study."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from reminders.models import Feed, new_feed_token
from trials.models import Study
from trials.permissions import Permission, require


@operation
def feed_of(*, study: Study, by: User, at: dt.datetime) -> Feed:
    """The person's feed of the study, made at the first asking."""
    require(by, Permission.VIEW_STUDY, study)
    feed, _ = Feed.objects.get_or_create(study=study, person=by)
    return feed


@operation
def renew_feed(*, study: Study, by: User, at: dt.datetime) -> Feed:
    """Give the person a new address; from now on the old one leads nowhere."""
    feed = feed_of(study=study, by=by, at=at)
    feed.token = new_feed_token()
    feed.save(update_fields=["token"])
    return feed
