"""The addresses of asking."""

from __future__ import annotations

from django.urls import path, re_path

from chatbranch.intake import api, desk, views

urlpatterns = [
    path("", views.ask, name="ask"),
    path("ask", views.ask_now, name="ask-now"),
    path("answers/<str:token>/", views.answer, name="answer"),
    path("answers/<str:token>/feed/", views.answer_feed, name="answer-feed"),
    path("status/", views.status, name="status"),
    path("status/<str:code>/", views.status, name="status-of"),
    path("claims/<uuid:claim_id>/object", views.object_now, name="object"),
    path("forget/", views.forget, name="forget"),
    path("forget/<str:signed>/", views.forget_mail, name="forget-mail"),
    path("desk/matches/", desk.recent_matches, name="matches"),
    path("desk/matches/<uuid:key>/correct/", desk.correct_match, name="correct-match"),
    path("api/v1/checks", api.checks, name="api-checks"),
    path("api/v1/checks/<str:token>", api.check, name="api-check"),
    path("api/v1/cases/<str:code>", api.case, name="api-case"),
    path("api/v1/openapi.json", api.openapi, name="api-openapi"),
    re_path(r"^api/(?P<rest>.*)$", api.not_found),
]
