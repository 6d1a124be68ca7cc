"""What every page of this program needs: address, token, rules of access, headers, and the thread of the web server.

It may import `errors`. `aim` and `bench` use it. Its modules need the packages of the extra `aim` or `label`.
"""
