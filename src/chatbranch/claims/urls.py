"""The library's addresses."""

from __future__ import annotations

from django.urls import path

from chatbranch.claims import views

urlpatterns = [
    path("claims/<uuid:claim_id>/", views.claim, name="claim"),
    path("claims/<uuid:claim_id>.json", views.claim_json, name="claim-json"),
]
