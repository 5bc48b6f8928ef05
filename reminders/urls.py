from django.urls import path

from reminders import access_views, amendment_views, history_views, signature_urls, try_views, views

app_name = "reminders"

urlpatterns = [
    path("", views.home, name="home"),
    path("studies/", views.studies, name="studies"),
    path("studies/<slug:key>/", views.today, name="today"),
    path("studies/<slug:key>/this-week/", views.this_week, name="this-week"),
    path("studies/<slug:key>/reminders/", views.messages_page, name="messages"),
    path("studies/<slug:key>/reminders/<int:reminder_id>/<slug:what>/", views.settle, name="settle"),
    path("studies/<slug:key>/reminders/calendar-address/", views.calendar_address, name="calendar-address"),
    path("studies/<slug:key>/try/", try_views.rehearsal, name="rehearsal"),
    path("studies/<slug:key>/try/new/", try_views.try_study, name="try"),
    path("studies/<slug:key>/try/play/", try_views.play, name="rehearsal-play"),
    path("studies/<slug:key>/try/stop/", try_views.stop, name="rehearsal-stop"),
    path("studies/<slug:key>/try/progress/", try_views.progress, name="rehearsal-progress"),
    path("studies/<slug:key>/amendment/", amendment_views.amendment, name="amendment"),
    path("studies/<slug:key>/amendment/approve/", amendment_views.approve, name="amendment-approve"),
    path("studies/<slug:key>/amendment/withdraw/", amendment_views.withdraw, name="amendment-withdraw"),
    path("studies/<slug:key>/versions/", amendment_views.versions, name="versions"),
    path("studies/<slug:key>/versions/<int:number>/", amendment_views.version, name="version"),
    path("studies/<slug:key>/versions/<int:number>/<slug:code>/", amendment_views.follow, name="version-site"),
    path("studies/<slug:key>/history/", history_views.history, name="history"),
    path("studies/<slug:key>/history/as.<slug:kind>", history_views.export, name="history-export"),
    path("studies/<slug:key>/history/review/", history_views.review, name="history-review"),
    path("studies/<slug:key>/history/access/", access_views.access_log, name="access-log"),
    path("studies/<slug:key>/history/patient/<str:code>/", history_views.patient_as_it_was, name="patient-as-it-was"),
    path(
        "studies/<slug:key>/history/decision/<int:number>/",
        history_views.decision_as_it_was,
        name="decision-as-it-was",
    ),
    path("studies/<slug:key>/history/<slug:table>/<int:row_id>/", history_views.record, name="history-record"),
    *signature_urls.urlpatterns,
    path("calendar/<slug:token>.ics", views.feed, name="feed"),
]
