"""Every address of the house; each slice brings its own."""

from __future__ import annotations

from django.urls import include, path

from chatbranch.site import demo_views, views
from chatbranch.site.metrics import metrics
from chatbranch.site.widget import widget

urlpatterns = [
    path("about/", views.about, name="about"),
    path("chat/", views.chat, name="chat"),
    path("health", views.health, name="health"),
    path("metrics", metrics, name="metrics"),
    path("widget.js", widget, name="widget"),
    path("robots.txt", views.robots, name="robots"),
    path("demo/", demo_views.demo, name="demo"),
    path("account/", include("chatbranch.branch.account_urls")),
    path(
        "", include("chatbranch.publishing.urls")
    ),  # before asking, which answers for every other address of the API
    path("", include("chatbranch.intake.urls")),
    path("", include("chatbranch.claims.urls")),
    path("", include("chatbranch.matching.urls")),
    path("", include("chatbranch.cases.urls")),
    path("", include("chatbranch.publiclog.urls")),
    path("", include("chatbranch.conduct.urls")),
    path("", include("chatbranch.relay.urls")),
    path("", include("chatbranch.branch.urls")),
]
