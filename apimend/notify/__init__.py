"""
The only speaker to Teams and to the outgoing Event Grid topic.

The engine hands a run to `Notices`, which queues what people and systems should hear of it; the queue's function
hands each message back for delivery. Nothing here reads an instance, and nothing waits: what can't be delivered now
goes back to the queue.
"""
