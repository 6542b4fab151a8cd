// Three identities, because they may do different things.
//
// User-assigned and not the app's own: their roles can be granted before the app is there (it needs them to read its
// own package), they outlive a rebuilt app, and a management group's owner can grant them without touching the app.

param token string
param location string
param tags object

@description('What the app runs as: reads Azure, keeps its storage, publishes. It reads no secret anywhere.')
resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-apimend-${token}'
  location: location
  tags: tags
}

@description('What the platform resolves the Key Vault reference with: one secret, and nothing else.')
resource settings 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-apimend-settings-${token}'
  location: location
  tags: tags
}

@description('What Event Grid writes dead letters as: every system topic gets it.')
resource events 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-apimend-events-${token}'
  location: location
  tags: tags
}

output appId string = app.id
output appClientId string = app.properties.clientId
output appPrincipalId string = app.properties.principalId
output settingsId string = settings.id
output settingsPrincipalId string = settings.properties.principalId
output eventsId string = events.id
output eventsPrincipalId string = events.properties.principalId
