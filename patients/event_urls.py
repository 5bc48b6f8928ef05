from django.urls import URLPattern

event_urlpatterns: list[URLPattern] = []
