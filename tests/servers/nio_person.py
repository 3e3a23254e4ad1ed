"""Somebody who writes encrypted, with matrix-nio, in a process and an environment of their own.

Started by tests.servers.encrypted; run by the Python of Synapse's environment. One JSON command a line comes in, one
JSON answer a line goes out. Nothing of chatbranch is imported.
"""

import asyncio
import base64
import io
import json
import sys

from nio import AsyncClient, AsyncClientConfig, Event, MegolmEvent
from nio.crypto import decrypt_attachment

heard = {}


def note(room, event):
    if isinstance(event, MegolmEvent):
        heard.setdefault(event.event_id, {"unreadable": True, "sender": event.sender, "room": room.room_id})
    elif event.source.get("type") == "m.room.message":
        content = event.source["content"]
        heard[event.event_id] = {
            "id": event.event_id,
            "room": room.room_id,
            "sender": event.sender,
            "content": content,
            "decrypted": bool(event.decrypted),
        }


async def obey(client, order):
    room = order.get("room", "")
    if order["do"] == "say":
        content = {"msgtype": "m.text", "body": order["text"], **order.get("content", {})}
        sent = await client.room_send(room, "m.room.message", content, ignore_unverified_devices=True)
        return sent.event_id
    if order["do"] == "show":
        data = base64.b64decode(order["data"])
        answer, file = await client.upload(
            lambda *_: io.BytesIO(data), "image/png", "screen.png", encrypt=True, filesize=len(data)
        )
        content = {
            "msgtype": "m.image",
            "body": "screen.png",
            "info": {"mimetype": "image/png"},
            "file": {**file, "url": answer.content_uri},
        }
        sent = await client.room_send(room, "m.room.message", content, ignore_unverified_devices=True)
        return sent.event_id
    if order["do"] == "heard":
        return [each for each in heard.values() if each["room"] == room]
    if order["do"] == "fetch":
        file = order["file"]
        answer = await client.download(mxc=file["url"])
        data = decrypt_attachment(answer.body, file["key"]["k"], file["hashes"]["sha256"], file["iv"])
        return base64.b64encode(data).decode()
    if order["do"] == "join":
        await client.join(room)
        return ""
    raise ValueError(order["do"])


async def main(homeserver, user, password, store):
    config = AsyncClientConfig(encryption_enabled=True, store_sync_tokens=True)
    client = AsyncClient(homeserver, user, store_path=store, config=config)
    await client.login(password, device_name="nio")
    client.add_event_callback(note, Event)
    await client.sync(timeout=0, full_state=True)
    if client.should_upload_keys:
        await client.keys_upload()
    print(json.dumps(client.device_id), flush=True)
    syncing = asyncio.create_task(client.sync_forever(timeout=2000))
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            answer = await obey(client, json.loads(line))
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
    syncing.cancel()
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
