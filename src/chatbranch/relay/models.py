"""Routes, the rooms they join, and what was carried between them."""

from __future__ import annotations

from django.db import models

from chatbranch.kernel import clock, ids


class Route(models.Model):
    """Rooms joined into one conversation. `word` joins a room to it when said to the bot there.

    in_file: it stands in the settings file under `name`, and is changed there.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    name = models.CharField(max_length=80, unique=True)
    lang = models.CharField(max_length=7)
    word = models.CharField(max_length=8, unique=True)
    in_file = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.name


class Leg(models.Model):
    """One room of a route. A room is in one route at most. `pseudonym` stands for the room itself: by it deliveries find its address."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    route = models.ForeignKey(Route, on_delete=models.CASCADE, related_name="legs")
    channel = models.CharField(max_length=40)
    address = models.CharField(max_length=300)
    pseudonym = models.CharField(max_length=64)
    added_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "address"], name="one_route_a_room")]

    def __str__(self) -> str:
        return f"{self.channel} {self.address}"


class Carried(models.Model):
    """One message, or one deed to a message, taken from a room; each is taken once.

    pseudonym: of who it came from, in this room. gist: its beginning, for platforms that can only tell in words what it
    was about. Kept as long as the texts of deliveries are, so that edits and replies find their way for that long.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    leg = models.ForeignKey(Leg, on_delete=models.CASCADE, related_name="carried")
    message_id = models.CharField(max_length=300)
    pseudonym = models.CharField(max_length=64, blank=True)
    deed = models.CharField(max_length=8, blank=True)
    gist = models.CharField(max_length=80, blank=True)
    parts = models.JSONField(default=dict)
    at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["leg", "message_id"], name="carried_once")]

    def __str__(self) -> str:
        return f"{self.deed or 'message'} {self.at}"
