from django.urls import path

from reminders import views

app_name = "reminders"

urlpatterns = [
    path("", views.home, name="home"),
    path("studies/", views.studies, name="studies"),
    path("studies/<slug:key>/", views.today, name="today"),
    path("studies/<slug:key>/this-week/", views.this_week, name="this-week"),
    path("studies/<slug:key>/reminders/", views.messages_page, name="messages"),
    path("studies/<slug:key>/reminders/<int:reminder_id>/<slug:what>/", views.settle, name="settle"),
    path("studies/<slug:key>/reminders/calendar-address/", views.calendar_address, name="calendar-address"),
    path("studies/<slug:key>/history/", views.history, name="history"),
    path("calendar/<slug:token>.ics", views.feed, name="feed"),
]
