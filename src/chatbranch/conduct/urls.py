"""The code of conduct, complaints and decisions for everyone; matters for the members whom they concern."""

from __future__ import annotations

from django.urls import path

from chatbranch.conduct import desk_views, views

urlpatterns = [
    path("conduct/", views.code_of_conduct, name="code-of-conduct"),
    path("conduct/decisions/", views.decisions, name="decisions"),
    path("conduct/decisions/<uuid:key>/", views.decision, name="decision"),
    path("conduct/complain/", views.complain, name="complain"),
    path("conduct/complaints/", views.status, name="complaint-status"),
    path("conduct/draws/<uuid:key>/", views.draws, name="draws"),
    path("conduct/remedies/", views.remedies, name="remedies"),
    path("desk/conduct/", desk_views.matters, name="conduct-matters"),
    path("desk/conduct/code/", desk_views.edition, name="conduct-edition"),
    path("desk/conduct/<uuid:key>/", desk_views.matter, name="conduct-matter"),
    path("desk/conduct/<uuid:key>/<slug:deed>/", desk_views.do, name="conduct-do"),
]
