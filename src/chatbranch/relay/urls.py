"""Addresses of the conversations' page."""

from __future__ import annotations

from django.urls import path

from chatbranch.relay import views

urlpatterns = [
    path("desk/rooms/", views.conversations, name="conversations"),
    path("desk/rooms/new/", views.make_route, name="make-route"),
    path("desk/rooms/<uuid:key>/join/", views.join_room, name="join-room"),
    path("desk/rooms/<uuid:key>/part/", views.part_room, name="part-room"),
    path("desk/rooms/<uuid:key>/end/", views.end_route, name="end-route"),
]
