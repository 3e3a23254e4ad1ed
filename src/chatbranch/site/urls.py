"""Every address of the house; each slice brings its own."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("account/", include("allauth.urls")),
    path("", include("chatbranch.intake.urls")),
    path("", include("chatbranch.claims.urls")),
    path("", include("chatbranch.cases.urls")),
    path("", include("chatbranch.branch.urls")),
]
