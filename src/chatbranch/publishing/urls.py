"""The addresses of what is published."""

from __future__ import annotations

from django.urls import path

from chatbranch.publishing import api, hub_views, views

urlpatterns = [
    path("claims/<uuid:claim_id>/card.png", views.card_picture, name="card-picture"),
    path("feeds/verdicts.atom", views.feed, {"name": "feed-atom"}, name="feed-atom"),
    path("feeds/verdicts.json", views.feed, {"name": "feed-json"}, name="feed-json"),
    path("feeds/claimreview.json", views.feed, {"name": "feed-claimreview"}, name="feed-claimreview"),
    path("schemas/claimreview.json", views.schema, name="claimreview-schema"),
    path("hub", hub_views.hub, name="hub"),
    path("api/v1/claims", api.claims, name="api-claims"),
    path("api/v1/claims/<str:claim_id>", api.claim, name="api-claim"),
    path("c/<str:code>", views.card_code, name="card-code"),
]
