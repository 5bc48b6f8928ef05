from django.urls import path

from reminders import signature_views

urlpatterns = [path("signatures/", signature_views.waiting, name="to-sign")]
