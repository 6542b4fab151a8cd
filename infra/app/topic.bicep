// The outgoing topic: what was planned, applied, failed and undone, as CloudEvents (docs/events.md).

param token string
param location string
param tags object

resource topic 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: 'evgt-apimend-${token}'
  location: location
  tags: tags
  properties: {
    inputSchema: 'CloudEventSchemaV1_0'
    disableLocalAuth: true
    minimumTlsVersionAllowed: '1.2'
  }
}

output name string = topic.name
output endpoint string = topic.properties.endpoint
