"""What car and operator both need to speak MQTT 5: topics, addresses of brokers, login and TLS.

It may import `errors` and `disk`. `outputs`, `fleet`, `doctor` and `cli` use it.
"""
